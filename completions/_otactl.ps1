
using namespace System.Management.Automation
using namespace System.Management.Automation.Language

Register-ArgumentCompleter -Native -CommandName 'otactl' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $commandElements = $commandAst.CommandElements
    $command = @(
        'otactl'
        for ($i = 1; $i -lt $commandElements.Count; $i++) {
            $element = $commandElements[$i]
            if ($element -isnot [StringConstantExpressionAst] -or
                $element.StringConstantType -ne [StringConstantType]::BareWord -or
                $element.Value.StartsWith('-') -or
                $element.Value -eq $wordToComplete) {
                break
        }
        $element.Value
    }) -join ';'

    $completions = @(switch ($command) {
        'otactl' {
            [CompletionResult]::new('--port', '--port', [CompletionResultType]::ParameterName, 'The device: /dev/ttyUSB0, COM7, ws://HOST[:PORT], http://HOST[:PORT], mqtt://[USER@]BROKER[:PORT]/DEVICE, tcp:// or udp://HOST:PORT, or `sim:`')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long a call to the device may take, such as `90s`, `5m`, or plain seconds')
            [CompletionResult]::new('--rpc-creds', '--rpc-creds', [CompletionResultType]::ParameterName, 'User and password for a device that asks for them: USER:PASSWORD, @FILE, or - to be asked')
            [CompletionResult]::new('--ca-cert-file', '--ca-cert-file', [CompletionResultType]::ParameterName, 'Trust the authorities in this PEM file, instead of those of the system')
            [CompletionResult]::new('--cert-file', '--cert-file', [CompletionResultType]::ParameterName, 'The certificate to show to a server that asks for one, as PEM; with --key-file')
            [CompletionResult]::new('--key-file', '--key-file', [CompletionResultType]::ParameterName, 'The private key of --cert-file, as PEM')
            [CompletionResult]::new('--baud-rate', '--baud-rate', [CompletionResultType]::ParameterName, 'Bits per second')
            [CompletionResult]::new('--set-control-lines', '--set-control-lines', [CompletionResultType]::ParameterName, 'Release DTR and RTS after opening, so that the board runs')
            [CompletionResult]::new('--serial-framing', '--serial-framing', [CompletionResultType]::ParameterName, 'How frames are set off')
            [CompletionResult]::new('--mqtt-password-file', '--mqtt-password-file', [CompletionResultType]::ParameterName, 'The password for the broker, in the first line of a file; - to be asked')
            [CompletionResult]::new('--mqtt-client-id', '--mqtt-client-id', [CompletionResultType]::ParameterName, 'The client id; brokers with rules want a certain one')
            [CompletionResult]::new('--mqtt-src', '--mqtt-src', [CompletionResultType]::ParameterName, 'Who asks: the device answers on the topic SRC/rpc')
            [CompletionResult]::new('--mqtt-pub-topic', '--mqtt-pub-topic', [CompletionResultType]::ParameterName, 'The one topic to publish all requests to')
            [CompletionResult]::new('--mqtt-sub-topic', '--mqtt-sub-topic', [CompletionResultType]::ParameterName, 'The topic on which the answers come, if it is not SRC/rpc')
            [CompletionResult]::new('--mqtt-will-topic', '--mqtt-will-topic', [CompletionResultType]::ParameterName, 'Where the device''s last will is to be read, to explain its silence')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print results on one line, and update events as one JSON object per line')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more; twice: show every frame, without its secrets')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more; twice: show every frame, without its secrets')
            [CompletionResult]::new('--insecure', '--insecure', [CompletionResultType]::ParameterName, 'Take any TLS certificate')
            [CompletionResult]::new('--hw-flow-control', '--hw-flow-control', [CompletionResultType]::ParameterName, 'Let RTS and CTS say when to send; XON and XOFF are obeyed in any case')
            [CompletionResult]::new('--no-set-control-lines', '--no-set-control-lines', [CompletionResultType]::ParameterName, 'Leave DTR and RTS as they are')
            [CompletionResult]::new('--inverted-control-lines', '--inverted-control-lines', [CompletionResultType]::ParameterName, 'DTR and RTS are inverted: asserted means released')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('update', 'update', [CompletionResultType]::ParameterValue, 'Take the device to a new firmware, prove that it runs, and commit it')
            [CompletionResult]::new('wait', 'wait', [CompletionResultType]::ParameterValue, 'Wait until the device is in a state, and say when it is')
            [CompletionResult]::new('commit', 'commit', [CompletionResultType]::ParameterValue, 'Keep the firmware that runs (OTA.Commit)')
            [CompletionResult]::new('revert', 'revert', [CompletionResultType]::ParameterValue, 'Go back to the firmware that ran before, by a reboot (OTA.Revert)')
            [CompletionResult]::new('create-snapshot', 'create-snapshot', [CompletionResultType]::ParameterValue, 'Copy the running firmware to the other slot (OTA.CreateSnapshot)')
            [CompletionResult]::new('get-boot-state', 'get-boot-state', [CompletionResultType]::ParameterValue, 'Show which slot runs, and whether it is committed (OTA.GetBootState)')
            [CompletionResult]::new('set-boot-state', 'set-boot-state', [CompletionResultType]::ParameterValue, 'Set some fields of the boot state (OTA.SetBootState)')
            [CompletionResult]::new('status', 'status', [CompletionResultType]::ParameterValue, 'Show how far an update is (OTA.Status)')
            [CompletionResult]::new('call', 'call', [CompletionResultType]::ParameterValue, 'Call any method of the device')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List the methods of the device (RPC.List)')
            [CompletionResult]::new('describe', 'describe', [CompletionResultType]::ParameterValue, 'Show the arguments of a method (RPC.Describe)')
            [CompletionResult]::new('info', 'info', [CompletionResultType]::ParameterValue, 'Show what the device is and what it runs (Sys.GetInfo)')
            [CompletionResult]::new('ping', 'ping', [CompletionResultType]::ParameterValue, 'Ask whether the device is there (RPC.Ping)')
            [CompletionResult]::new('reboot', 'reboot', [CompletionResultType]::ParameterValue, 'Reboot the device (Sys.Reboot)')
            [CompletionResult]::new('simulate', 'simulate', [CompletionResultType]::ParameterValue, 'Run a simulated device, over WebSocket, HTTP, TLS, TCP, UDP, MQTT and a serial port, until Ctrl-C')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'otactl;update' {
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'A URL from which the device fetches the firmware by itself')
            [CompletionResult]::new('--via', '--via', [CompletionResultType]::ParameterName, 'How the device gets FILE: it fetches it from here, or it is sent to it over --port')
            [CompletionResult]::new('--commit-timeout', '--commit-timeout', [CompletionResultType]::ParameterName, 'How long after its reboot the device waits for the commit before it goes back')
            [CompletionResult]::new('--download-timeout', '--download-timeout', [CompletionResultType]::ParameterName, 'How long the device may take to get and write the firmware [default: 600s, more for large ones]')
            [CompletionResult]::new('--reboot-timeout', '--reboot-timeout', [CompletionResultType]::ParameterName, 'How long the device may take from the download to its first answer after the reboot')
            [CompletionResult]::new('--listen', '--listen', [CompletionResultType]::ParameterName, 'Where to serve the firmware: ADDRESS:PORT, ADDRESS or :PORT')
            [CompletionResult]::new('--advertise', '--advertise', [CompletionResultType]::ParameterName, 'Under which host, and port if it differs, the device reaches this machine')
            [CompletionResult]::new('--commit-port', '--commit-port', [CompletionResultType]::ParameterName, 'After the reboot, look at the device and commit it over this port; a `--port` of the same device')
            [CompletionResult]::new('--allow-from', '--allow-from', [CompletionResultType]::ParameterName, 'Serve this address or network too, or `any`: for a device behind NAT; may be given more than once')
            [CompletionResult]::new('--serve-tls', '--serve-tls', [CompletionResultType]::ParameterName, 'Serve the firmware over HTTPS, with this certificate and its key, as PEM')
            [CompletionResult]::new('--check-rpc', '--check-rpc', [CompletionResultType]::ParameterName, 'Before the commit, a method must succeed, and its result contain the JSON after `=>`')
            [CompletionResult]::new('--check-cmd', '--check-cmd', [CompletionResultType]::ParameterName, 'Before the commit, a program must end with exit status 0')
            [CompletionResult]::new('--check-http', '--check-http', [CompletionResultType]::ParameterName, 'Before the commit, a GET of this URL must bring a status of 200 to 299')
            [CompletionResult]::new('--check-timeout', '--check-timeout', [CompletionResultType]::ParameterName, 'How long each check may take')
            [CompletionResult]::new('--soak', '--soak', [CompletionResultType]::ParameterName, 'Before the commit and after all checks, the device must run for so long without a reboot')
            [CompletionResult]::new('--on-unhealthy', '--on-unhealthy', [CompletionResultType]::ParameterName, 'What becomes of a firmware that is not well')
            [CompletionResult]::new('--port', '--port', [CompletionResultType]::ParameterName, 'The device: /dev/ttyUSB0, COM7, ws://HOST[:PORT], http://HOST[:PORT], mqtt://[USER@]BROKER[:PORT]/DEVICE, tcp:// or udp://HOST:PORT, or `sim:`')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long a call to the device may take, such as `90s`, `5m`, or plain seconds')
            [CompletionResult]::new('--rpc-creds', '--rpc-creds', [CompletionResultType]::ParameterName, 'User and password for a device that asks for them: USER:PASSWORD, @FILE, or - to be asked')
            [CompletionResult]::new('--ca-cert-file', '--ca-cert-file', [CompletionResultType]::ParameterName, 'Trust the authorities in this PEM file, instead of those of the system')
            [CompletionResult]::new('--cert-file', '--cert-file', [CompletionResultType]::ParameterName, 'The certificate to show to a server that asks for one, as PEM; with --key-file')
            [CompletionResult]::new('--key-file', '--key-file', [CompletionResultType]::ParameterName, 'The private key of --cert-file, as PEM')
            [CompletionResult]::new('--baud-rate', '--baud-rate', [CompletionResultType]::ParameterName, 'Bits per second')
            [CompletionResult]::new('--set-control-lines', '--set-control-lines', [CompletionResultType]::ParameterName, 'Release DTR and RTS after opening, so that the board runs')
            [CompletionResult]::new('--serial-framing', '--serial-framing', [CompletionResultType]::ParameterName, 'How frames are set off')
            [CompletionResult]::new('--mqtt-password-file', '--mqtt-password-file', [CompletionResultType]::ParameterName, 'The password for the broker, in the first line of a file; - to be asked')
            [CompletionResult]::new('--mqtt-client-id', '--mqtt-client-id', [CompletionResultType]::ParameterName, 'The client id; brokers with rules want a certain one')
            [CompletionResult]::new('--mqtt-src', '--mqtt-src', [CompletionResultType]::ParameterName, 'Who asks: the device answers on the topic SRC/rpc')
            [CompletionResult]::new('--mqtt-pub-topic', '--mqtt-pub-topic', [CompletionResultType]::ParameterName, 'The one topic to publish all requests to')
            [CompletionResult]::new('--mqtt-sub-topic', '--mqtt-sub-topic', [CompletionResultType]::ParameterName, 'The topic on which the answers come, if it is not SRC/rpc')
            [CompletionResult]::new('--mqtt-will-topic', '--mqtt-will-topic', [CompletionResultType]::ParameterName, 'Where the device''s last will is to be read, to explain its silence')
            [CompletionResult]::new('--no-commit', '--no-commit', [CompletionResultType]::ParameterName, 'Leave the new firmware uncommitted, and say until when')
            [CompletionResult]::new('--snapshot-first', '--snapshot-first', [CompletionResultType]::ParameterName, 'Copy what runs to another slot first (OTA.CreateSnapshot), where the platform has more than two')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Say what would be done, and touch nothing')
            [CompletionResult]::new('--force', '--force', [CompletionResultType]::ParameterName, 'Install another app than the one that runs, or offer the device the build that it runs already')
            [CompletionResult]::new('--allow-downgrade', '--allow-downgrade', [CompletionResultType]::ParameterName, 'Install also an older version than the one that runs')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print results on one line, and update events as one JSON object per line')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more; twice: show every frame, without its secrets')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more; twice: show every frame, without its secrets')
            [CompletionResult]::new('--insecure', '--insecure', [CompletionResultType]::ParameterName, 'Take any TLS certificate')
            [CompletionResult]::new('--hw-flow-control', '--hw-flow-control', [CompletionResultType]::ParameterName, 'Let RTS and CTS say when to send; XON and XOFF are obeyed in any case')
            [CompletionResult]::new('--no-set-control-lines', '--no-set-control-lines', [CompletionResultType]::ParameterName, 'Leave DTR and RTS as they are')
            [CompletionResult]::new('--inverted-control-lines', '--inverted-control-lines', [CompletionResultType]::ParameterName, 'DTR and RTS are inverted: asserted means released')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'otactl;wait' {
            [CompletionResult]::new('--for', '--for', [CompletionResultType]::ParameterName, 'How long to wait')
            [CompletionResult]::new('--port', '--port', [CompletionResultType]::ParameterName, 'The device: /dev/ttyUSB0, COM7, ws://HOST[:PORT], http://HOST[:PORT], mqtt://[USER@]BROKER[:PORT]/DEVICE, tcp:// or udp://HOST:PORT, or `sim:`')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long a call to the device may take, such as `90s`, `5m`, or plain seconds')
            [CompletionResult]::new('--rpc-creds', '--rpc-creds', [CompletionResultType]::ParameterName, 'User and password for a device that asks for them: USER:PASSWORD, @FILE, or - to be asked')
            [CompletionResult]::new('--ca-cert-file', '--ca-cert-file', [CompletionResultType]::ParameterName, 'Trust the authorities in this PEM file, instead of those of the system')
            [CompletionResult]::new('--cert-file', '--cert-file', [CompletionResultType]::ParameterName, 'The certificate to show to a server that asks for one, as PEM; with --key-file')
            [CompletionResult]::new('--key-file', '--key-file', [CompletionResultType]::ParameterName, 'The private key of --cert-file, as PEM')
            [CompletionResult]::new('--baud-rate', '--baud-rate', [CompletionResultType]::ParameterName, 'Bits per second')
            [CompletionResult]::new('--set-control-lines', '--set-control-lines', [CompletionResultType]::ParameterName, 'Release DTR and RTS after opening, so that the board runs')
            [CompletionResult]::new('--serial-framing', '--serial-framing', [CompletionResultType]::ParameterName, 'How frames are set off')
            [CompletionResult]::new('--mqtt-password-file', '--mqtt-password-file', [CompletionResultType]::ParameterName, 'The password for the broker, in the first line of a file; - to be asked')
            [CompletionResult]::new('--mqtt-client-id', '--mqtt-client-id', [CompletionResultType]::ParameterName, 'The client id; brokers with rules want a certain one')
            [CompletionResult]::new('--mqtt-src', '--mqtt-src', [CompletionResultType]::ParameterName, 'Who asks: the device answers on the topic SRC/rpc')
            [CompletionResult]::new('--mqtt-pub-topic', '--mqtt-pub-topic', [CompletionResultType]::ParameterName, 'The one topic to publish all requests to')
            [CompletionResult]::new('--mqtt-sub-topic', '--mqtt-sub-topic', [CompletionResultType]::ParameterName, 'The topic on which the answers come, if it is not SRC/rpc')
            [CompletionResult]::new('--mqtt-will-topic', '--mqtt-will-topic', [CompletionResultType]::ParameterName, 'Where the device''s last will is to be read, to explain its silence')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print results on one line, and update events as one JSON object per line')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more; twice: show every frame, without its secrets')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more; twice: show every frame, without its secrets')
            [CompletionResult]::new('--insecure', '--insecure', [CompletionResultType]::ParameterName, 'Take any TLS certificate')
            [CompletionResult]::new('--hw-flow-control', '--hw-flow-control', [CompletionResultType]::ParameterName, 'Let RTS and CTS say when to send; XON and XOFF are obeyed in any case')
            [CompletionResult]::new('--no-set-control-lines', '--no-set-control-lines', [CompletionResultType]::ParameterName, 'Leave DTR and RTS as they are')
            [CompletionResult]::new('--inverted-control-lines', '--inverted-control-lines', [CompletionResultType]::ParameterName, 'DTR and RTS are inverted: asserted means released')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'otactl;commit' {
            [CompletionResult]::new('--port', '--port', [CompletionResultType]::ParameterName, 'The device: /dev/ttyUSB0, COM7, ws://HOST[:PORT], http://HOST[:PORT], mqtt://[USER@]BROKER[:PORT]/DEVICE, tcp:// or udp://HOST:PORT, or `sim:`')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long a call to the device may take, such as `90s`, `5m`, or plain seconds')
            [CompletionResult]::new('--rpc-creds', '--rpc-creds', [CompletionResultType]::ParameterName, 'User and password for a device that asks for them: USER:PASSWORD, @FILE, or - to be asked')
            [CompletionResult]::new('--ca-cert-file', '--ca-cert-file', [CompletionResultType]::ParameterName, 'Trust the authorities in this PEM file, instead of those of the system')
            [CompletionResult]::new('--cert-file', '--cert-file', [CompletionResultType]::ParameterName, 'The certificate to show to a server that asks for one, as PEM; with --key-file')
            [CompletionResult]::new('--key-file', '--key-file', [CompletionResultType]::ParameterName, 'The private key of --cert-file, as PEM')
            [CompletionResult]::new('--baud-rate', '--baud-rate', [CompletionResultType]::ParameterName, 'Bits per second')
            [CompletionResult]::new('--set-control-lines', '--set-control-lines', [CompletionResultType]::ParameterName, 'Release DTR and RTS after opening, so that the board runs')
            [CompletionResult]::new('--serial-framing', '--serial-framing', [CompletionResultType]::ParameterName, 'How frames are set off')
            [CompletionResult]::new('--mqtt-password-file', '--mqtt-password-file', [CompletionResultType]::ParameterName, 'The password for the broker, in the first line of a file; - to be asked')
            [CompletionResult]::new('--mqtt-client-id', '--mqtt-client-id', [CompletionResultType]::ParameterName, 'The client id; brokers with rules want a certain one')
            [CompletionResult]::new('--mqtt-src', '--mqtt-src', [CompletionResultType]::ParameterName, 'Who asks: the device answers on the topic SRC/rpc')
            [CompletionResult]::new('--mqtt-pub-topic', '--mqtt-pub-topic', [CompletionResultType]::ParameterName, 'The one topic to publish all requests to')
            [CompletionResult]::new('--mqtt-sub-topic', '--mqtt-sub-topic', [CompletionResultType]::ParameterName, 'The topic on which the answers come, if it is not SRC/rpc')
            [CompletionResult]::new('--mqtt-will-topic', '--mqtt-will-topic', [CompletionResultType]::ParameterName, 'Where the device''s last will is to be read, to explain its silence')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print results on one line, and update events as one JSON object per line')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more; twice: show every frame, without its secrets')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more; twice: show every frame, without its secrets')
            [CompletionResult]::new('--insecure', '--insecure', [CompletionResultType]::ParameterName, 'Take any TLS certificate')
            [CompletionResult]::new('--hw-flow-control', '--hw-flow-control', [CompletionResultType]::ParameterName, 'Let RTS and CTS say when to send; XON and XOFF are obeyed in any case')
            [CompletionResult]::new('--no-set-control-lines', '--no-set-control-lines', [CompletionResultType]::ParameterName, 'Leave DTR and RTS as they are')
            [CompletionResult]::new('--inverted-control-lines', '--inverted-control-lines', [CompletionResultType]::ParameterName, 'DTR and RTS are inverted: asserted means released')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'otactl;revert' {
            [CompletionResult]::new('--port', '--port', [CompletionResultType]::ParameterName, 'The device: /dev/ttyUSB0, COM7, ws://HOST[:PORT], http://HOST[:PORT], mqtt://[USER@]BROKER[:PORT]/DEVICE, tcp:// or udp://HOST:PORT, or `sim:`')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long a call to the device may take, such as `90s`, `5m`, or plain seconds')
            [CompletionResult]::new('--rpc-creds', '--rpc-creds', [CompletionResultType]::ParameterName, 'User and password for a device that asks for them: USER:PASSWORD, @FILE, or - to be asked')
            [CompletionResult]::new('--ca-cert-file', '--ca-cert-file', [CompletionResultType]::ParameterName, 'Trust the authorities in this PEM file, instead of those of the system')
            [CompletionResult]::new('--cert-file', '--cert-file', [CompletionResultType]::ParameterName, 'The certificate to show to a server that asks for one, as PEM; with --key-file')
            [CompletionResult]::new('--key-file', '--key-file', [CompletionResultType]::ParameterName, 'The private key of --cert-file, as PEM')
            [CompletionResult]::new('--baud-rate', '--baud-rate', [CompletionResultType]::ParameterName, 'Bits per second')
            [CompletionResult]::new('--set-control-lines', '--set-control-lines', [CompletionResultType]::ParameterName, 'Release DTR and RTS after opening, so that the board runs')
            [CompletionResult]::new('--serial-framing', '--serial-framing', [CompletionResultType]::ParameterName, 'How frames are set off')
            [CompletionResult]::new('--mqtt-password-file', '--mqtt-password-file', [CompletionResultType]::ParameterName, 'The password for the broker, in the first line of a file; - to be asked')
            [CompletionResult]::new('--mqtt-client-id', '--mqtt-client-id', [CompletionResultType]::ParameterName, 'The client id; brokers with rules want a certain one')
            [CompletionResult]::new('--mqtt-src', '--mqtt-src', [CompletionResultType]::ParameterName, 'Who asks: the device answers on the topic SRC/rpc')
            [CompletionResult]::new('--mqtt-pub-topic', '--mqtt-pub-topic', [CompletionResultType]::ParameterName, 'The one topic to publish all requests to')
            [CompletionResult]::new('--mqtt-sub-topic', '--mqtt-sub-topic', [CompletionResultType]::ParameterName, 'The topic on which the answers come, if it is not SRC/rpc')
            [CompletionResult]::new('--mqtt-will-topic', '--mqtt-will-topic', [CompletionResultType]::ParameterName, 'Where the device''s last will is to be read, to explain its silence')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print results on one line, and update events as one JSON object per line')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more; twice: show every frame, without its secrets')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more; twice: show every frame, without its secrets')
            [CompletionResult]::new('--insecure', '--insecure', [CompletionResultType]::ParameterName, 'Take any TLS certificate')
            [CompletionResult]::new('--hw-flow-control', '--hw-flow-control', [CompletionResultType]::ParameterName, 'Let RTS and CTS say when to send; XON and XOFF are obeyed in any case')
            [CompletionResult]::new('--no-set-control-lines', '--no-set-control-lines', [CompletionResultType]::ParameterName, 'Leave DTR and RTS as they are')
            [CompletionResult]::new('--inverted-control-lines', '--inverted-control-lines', [CompletionResultType]::ParameterName, 'DTR and RTS are inverted: asserted means released')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'otactl;create-snapshot' {
            [CompletionResult]::new('--commit-timeout', '--commit-timeout', [CompletionResultType]::ParameterName, 'Make the running firmware uncommitted, to be committed within this time')
            [CompletionResult]::new('--port', '--port', [CompletionResultType]::ParameterName, 'The device: /dev/ttyUSB0, COM7, ws://HOST[:PORT], http://HOST[:PORT], mqtt://[USER@]BROKER[:PORT]/DEVICE, tcp:// or udp://HOST:PORT, or `sim:`')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long a call to the device may take, such as `90s`, `5m`, or plain seconds')
            [CompletionResult]::new('--rpc-creds', '--rpc-creds', [CompletionResultType]::ParameterName, 'User and password for a device that asks for them: USER:PASSWORD, @FILE, or - to be asked')
            [CompletionResult]::new('--ca-cert-file', '--ca-cert-file', [CompletionResultType]::ParameterName, 'Trust the authorities in this PEM file, instead of those of the system')
            [CompletionResult]::new('--cert-file', '--cert-file', [CompletionResultType]::ParameterName, 'The certificate to show to a server that asks for one, as PEM; with --key-file')
            [CompletionResult]::new('--key-file', '--key-file', [CompletionResultType]::ParameterName, 'The private key of --cert-file, as PEM')
            [CompletionResult]::new('--baud-rate', '--baud-rate', [CompletionResultType]::ParameterName, 'Bits per second')
            [CompletionResult]::new('--set-control-lines', '--set-control-lines', [CompletionResultType]::ParameterName, 'Release DTR and RTS after opening, so that the board runs')
            [CompletionResult]::new('--serial-framing', '--serial-framing', [CompletionResultType]::ParameterName, 'How frames are set off')
            [CompletionResult]::new('--mqtt-password-file', '--mqtt-password-file', [CompletionResultType]::ParameterName, 'The password for the broker, in the first line of a file; - to be asked')
            [CompletionResult]::new('--mqtt-client-id', '--mqtt-client-id', [CompletionResultType]::ParameterName, 'The client id; brokers with rules want a certain one')
            [CompletionResult]::new('--mqtt-src', '--mqtt-src', [CompletionResultType]::ParameterName, 'Who asks: the device answers on the topic SRC/rpc')
            [CompletionResult]::new('--mqtt-pub-topic', '--mqtt-pub-topic', [CompletionResultType]::ParameterName, 'The one topic to publish all requests to')
            [CompletionResult]::new('--mqtt-sub-topic', '--mqtt-sub-topic', [CompletionResultType]::ParameterName, 'The topic on which the answers come, if it is not SRC/rpc')
            [CompletionResult]::new('--mqtt-will-topic', '--mqtt-will-topic', [CompletionResultType]::ParameterName, 'Where the device''s last will is to be read, to explain its silence')
            [CompletionResult]::new('--set-as-revert', '--set-as-revert', [CompletionResultType]::ParameterName, 'Make the copy what a rollback goes back to')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print results on one line, and update events as one JSON object per line')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more; twice: show every frame, without its secrets')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more; twice: show every frame, without its secrets')
            [CompletionResult]::new('--insecure', '--insecure', [CompletionResultType]::ParameterName, 'Take any TLS certificate')
            [CompletionResult]::new('--hw-flow-control', '--hw-flow-control', [CompletionResultType]::ParameterName, 'Let RTS and CTS say when to send; XON and XOFF are obeyed in any case')
            [CompletionResult]::new('--no-set-control-lines', '--no-set-control-lines', [CompletionResultType]::ParameterName, 'Leave DTR and RTS as they are')
            [CompletionResult]::new('--inverted-control-lines', '--inverted-control-lines', [CompletionResultType]::ParameterName, 'DTR and RTS are inverted: asserted means released')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'otactl;get-boot-state' {
            [CompletionResult]::new('--port', '--port', [CompletionResultType]::ParameterName, 'The device: /dev/ttyUSB0, COM7, ws://HOST[:PORT], http://HOST[:PORT], mqtt://[USER@]BROKER[:PORT]/DEVICE, tcp:// or udp://HOST:PORT, or `sim:`')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long a call to the device may take, such as `90s`, `5m`, or plain seconds')
            [CompletionResult]::new('--rpc-creds', '--rpc-creds', [CompletionResultType]::ParameterName, 'User and password for a device that asks for them: USER:PASSWORD, @FILE, or - to be asked')
            [CompletionResult]::new('--ca-cert-file', '--ca-cert-file', [CompletionResultType]::ParameterName, 'Trust the authorities in this PEM file, instead of those of the system')
            [CompletionResult]::new('--cert-file', '--cert-file', [CompletionResultType]::ParameterName, 'The certificate to show to a server that asks for one, as PEM; with --key-file')
            [CompletionResult]::new('--key-file', '--key-file', [CompletionResultType]::ParameterName, 'The private key of --cert-file, as PEM')
            [CompletionResult]::new('--baud-rate', '--baud-rate', [CompletionResultType]::ParameterName, 'Bits per second')
            [CompletionResult]::new('--set-control-lines', '--set-control-lines', [CompletionResultType]::ParameterName, 'Release DTR and RTS after opening, so that the board runs')
            [CompletionResult]::new('--serial-framing', '--serial-framing', [CompletionResultType]::ParameterName, 'How frames are set off')
            [CompletionResult]::new('--mqtt-password-file', '--mqtt-password-file', [CompletionResultType]::ParameterName, 'The password for the broker, in the first line of a file; - to be asked')
            [CompletionResult]::new('--mqtt-client-id', '--mqtt-client-id', [CompletionResultType]::ParameterName, 'The client id; brokers with rules want a certain one')
            [CompletionResult]::new('--mqtt-src', '--mqtt-src', [CompletionResultType]::ParameterName, 'Who asks: the device answers on the topic SRC/rpc')
            [CompletionResult]::new('--mqtt-pub-topic', '--mqtt-pub-topic', [CompletionResultType]::ParameterName, 'The one topic to publish all requests to')
            [CompletionResult]::new('--mqtt-sub-topic', '--mqtt-sub-topic', [CompletionResultType]::ParameterName, 'The topic on which the answers come, if it is not SRC/rpc')
            [CompletionResult]::new('--mqtt-will-topic', '--mqtt-will-topic', [CompletionResultType]::ParameterName, 'Where the device''s last will is to be read, to explain its silence')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print results on one line, and update events as one JSON object per line')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more; twice: show every frame, without its secrets')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more; twice: show every frame, without its secrets')
            [CompletionResult]::new('--insecure', '--insecure', [CompletionResultType]::ParameterName, 'Take any TLS certificate')
            [CompletionResult]::new('--hw-flow-control', '--hw-flow-control', [CompletionResultType]::ParameterName, 'Let RTS and CTS say when to send; XON and XOFF are obeyed in any case')
            [CompletionResult]::new('--no-set-control-lines', '--no-set-control-lines', [CompletionResultType]::ParameterName, 'Leave DTR and RTS as they are')
            [CompletionResult]::new('--inverted-control-lines', '--inverted-control-lines', [CompletionResultType]::ParameterName, 'DTR and RTS are inverted: asserted means released')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'otactl;set-boot-state' {
            [CompletionResult]::new('--active-slot', '--active-slot', [CompletionResultType]::ParameterName, 'The slot that boots next')
            [CompletionResult]::new('--is-committed', '--is-committed', [CompletionResultType]::ParameterName, 'Whether it is committed')
            [CompletionResult]::new('--revert-slot', '--revert-slot', [CompletionResultType]::ParameterName, 'The slot that a rollback goes back to')
            [CompletionResult]::new('--commit-timeout', '--commit-timeout', [CompletionResultType]::ParameterName, 'How long after a boot the device waits for the commit')
            [CompletionResult]::new('--port', '--port', [CompletionResultType]::ParameterName, 'The device: /dev/ttyUSB0, COM7, ws://HOST[:PORT], http://HOST[:PORT], mqtt://[USER@]BROKER[:PORT]/DEVICE, tcp:// or udp://HOST:PORT, or `sim:`')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long a call to the device may take, such as `90s`, `5m`, or plain seconds')
            [CompletionResult]::new('--rpc-creds', '--rpc-creds', [CompletionResultType]::ParameterName, 'User and password for a device that asks for them: USER:PASSWORD, @FILE, or - to be asked')
            [CompletionResult]::new('--ca-cert-file', '--ca-cert-file', [CompletionResultType]::ParameterName, 'Trust the authorities in this PEM file, instead of those of the system')
            [CompletionResult]::new('--cert-file', '--cert-file', [CompletionResultType]::ParameterName, 'The certificate to show to a server that asks for one, as PEM; with --key-file')
            [CompletionResult]::new('--key-file', '--key-file', [CompletionResultType]::ParameterName, 'The private key of --cert-file, as PEM')
            [CompletionResult]::new('--baud-rate', '--baud-rate', [CompletionResultType]::ParameterName, 'Bits per second')
            [CompletionResult]::new('--set-control-lines', '--set-control-lines', [CompletionResultType]::ParameterName, 'Release DTR and RTS after opening, so that the board runs')
            [CompletionResult]::new('--serial-framing', '--serial-framing', [CompletionResultType]::ParameterName, 'How frames are set off')
            [CompletionResult]::new('--mqtt-password-file', '--mqtt-password-file', [CompletionResultType]::ParameterName, 'The password for the broker, in the first line of a file; - to be asked')
            [CompletionResult]::new('--mqtt-client-id', '--mqtt-client-id', [CompletionResultType]::ParameterName, 'The client id; brokers with rules want a certain one')
            [CompletionResult]::new('--mqtt-src', '--mqtt-src', [CompletionResultType]::ParameterName, 'Who asks: the device answers on the topic SRC/rpc')
            [CompletionResult]::new('--mqtt-pub-topic', '--mqtt-pub-topic', [CompletionResultType]::ParameterName, 'The one topic to publish all requests to')
            [CompletionResult]::new('--mqtt-sub-topic', '--mqtt-sub-topic', [CompletionResultType]::ParameterName, 'The topic on which the answers come, if it is not SRC/rpc')
            [CompletionResult]::new('--mqtt-will-topic', '--mqtt-will-topic', [CompletionResultType]::ParameterName, 'Where the device''s last will is to be read, to explain its silence')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print results on one line, and update events as one JSON object per line')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more; twice: show every frame, without its secrets')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more; twice: show every frame, without its secrets')
            [CompletionResult]::new('--insecure', '--insecure', [CompletionResultType]::ParameterName, 'Take any TLS certificate')
            [CompletionResult]::new('--hw-flow-control', '--hw-flow-control', [CompletionResultType]::ParameterName, 'Let RTS and CTS say when to send; XON and XOFF are obeyed in any case')
            [CompletionResult]::new('--no-set-control-lines', '--no-set-control-lines', [CompletionResultType]::ParameterName, 'Leave DTR and RTS as they are')
            [CompletionResult]::new('--inverted-control-lines', '--inverted-control-lines', [CompletionResultType]::ParameterName, 'DTR and RTS are inverted: asserted means released')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'otactl;status' {
            [CompletionResult]::new('--port', '--port', [CompletionResultType]::ParameterName, 'The device: /dev/ttyUSB0, COM7, ws://HOST[:PORT], http://HOST[:PORT], mqtt://[USER@]BROKER[:PORT]/DEVICE, tcp:// or udp://HOST:PORT, or `sim:`')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long a call to the device may take, such as `90s`, `5m`, or plain seconds')
            [CompletionResult]::new('--rpc-creds', '--rpc-creds', [CompletionResultType]::ParameterName, 'User and password for a device that asks for them: USER:PASSWORD, @FILE, or - to be asked')
            [CompletionResult]::new('--ca-cert-file', '--ca-cert-file', [CompletionResultType]::ParameterName, 'Trust the authorities in this PEM file, instead of those of the system')
            [CompletionResult]::new('--cert-file', '--cert-file', [CompletionResultType]::ParameterName, 'The certificate to show to a server that asks for one, as PEM; with --key-file')
            [CompletionResult]::new('--key-file', '--key-file', [CompletionResultType]::ParameterName, 'The private key of --cert-file, as PEM')
            [CompletionResult]::new('--baud-rate', '--baud-rate', [CompletionResultType]::ParameterName, 'Bits per second')
            [CompletionResult]::new('--set-control-lines', '--set-control-lines', [CompletionResultType]::ParameterName, 'Release DTR and RTS after opening, so that the board runs')
            [CompletionResult]::new('--serial-framing', '--serial-framing', [CompletionResultType]::ParameterName, 'How frames are set off')
            [CompletionResult]::new('--mqtt-password-file', '--mqtt-password-file', [CompletionResultType]::ParameterName, 'The password for the broker, in the first line of a file; - to be asked')
            [CompletionResult]::new('--mqtt-client-id', '--mqtt-client-id', [CompletionResultType]::ParameterName, 'The client id; brokers with rules want a certain one')
            [CompletionResult]::new('--mqtt-src', '--mqtt-src', [CompletionResultType]::ParameterName, 'Who asks: the device answers on the topic SRC/rpc')
            [CompletionResult]::new('--mqtt-pub-topic', '--mqtt-pub-topic', [CompletionResultType]::ParameterName, 'The one topic to publish all requests to')
            [CompletionResult]::new('--mqtt-sub-topic', '--mqtt-sub-topic', [CompletionResultType]::ParameterName, 'The topic on which the answers come, if it is not SRC/rpc')
            [CompletionResult]::new('--mqtt-will-topic', '--mqtt-will-topic', [CompletionResultType]::ParameterName, 'Where the device''s last will is to be read, to explain its silence')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print results on one line, and update events as one JSON object per line')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more; twice: show every frame, without its secrets')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more; twice: show every frame, without its secrets')
            [CompletionResult]::new('--insecure', '--insecure', [CompletionResultType]::ParameterName, 'Take any TLS certificate')
            [CompletionResult]::new('--hw-flow-control', '--hw-flow-control', [CompletionResultType]::ParameterName, 'Let RTS and CTS say when to send; XON and XOFF are obeyed in any case')
            [CompletionResult]::new('--no-set-control-lines', '--no-set-control-lines', [CompletionResultType]::ParameterName, 'Leave DTR and RTS as they are')
            [CompletionResult]::new('--inverted-control-lines', '--inverted-control-lines', [CompletionResultType]::ParameterName, 'DTR and RTS are inverted: asserted means released')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'otactl;call' {
            [CompletionResult]::new('--port', '--port', [CompletionResultType]::ParameterName, 'The device: /dev/ttyUSB0, COM7, ws://HOST[:PORT], http://HOST[:PORT], mqtt://[USER@]BROKER[:PORT]/DEVICE, tcp:// or udp://HOST:PORT, or `sim:`')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long a call to the device may take, such as `90s`, `5m`, or plain seconds')
            [CompletionResult]::new('--rpc-creds', '--rpc-creds', [CompletionResultType]::ParameterName, 'User and password for a device that asks for them: USER:PASSWORD, @FILE, or - to be asked')
            [CompletionResult]::new('--ca-cert-file', '--ca-cert-file', [CompletionResultType]::ParameterName, 'Trust the authorities in this PEM file, instead of those of the system')
            [CompletionResult]::new('--cert-file', '--cert-file', [CompletionResultType]::ParameterName, 'The certificate to show to a server that asks for one, as PEM; with --key-file')
            [CompletionResult]::new('--key-file', '--key-file', [CompletionResultType]::ParameterName, 'The private key of --cert-file, as PEM')
            [CompletionResult]::new('--baud-rate', '--baud-rate', [CompletionResultType]::ParameterName, 'Bits per second')
            [CompletionResult]::new('--set-control-lines', '--set-control-lines', [CompletionResultType]::ParameterName, 'Release DTR and RTS after opening, so that the board runs')
            [CompletionResult]::new('--serial-framing', '--serial-framing', [CompletionResultType]::ParameterName, 'How frames are set off')
            [CompletionResult]::new('--mqtt-password-file', '--mqtt-password-file', [CompletionResultType]::ParameterName, 'The password for the broker, in the first line of a file; - to be asked')
            [CompletionResult]::new('--mqtt-client-id', '--mqtt-client-id', [CompletionResultType]::ParameterName, 'The client id; brokers with rules want a certain one')
            [CompletionResult]::new('--mqtt-src', '--mqtt-src', [CompletionResultType]::ParameterName, 'Who asks: the device answers on the topic SRC/rpc')
            [CompletionResult]::new('--mqtt-pub-topic', '--mqtt-pub-topic', [CompletionResultType]::ParameterName, 'The one topic to publish all requests to')
            [CompletionResult]::new('--mqtt-sub-topic', '--mqtt-sub-topic', [CompletionResultType]::ParameterName, 'The topic on which the answers come, if it is not SRC/rpc')
            [CompletionResult]::new('--mqtt-will-topic', '--mqtt-will-topic', [CompletionResultType]::ParameterName, 'Where the device''s last will is to be read, to explain its silence')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print results on one line, and update events as one JSON object per line')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more; twice: show every frame, without its secrets')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more; twice: show every frame, without its secrets')
            [CompletionResult]::new('--insecure', '--insecure', [CompletionResultType]::ParameterName, 'Take any TLS certificate')
            [CompletionResult]::new('--hw-flow-control', '--hw-flow-control', [CompletionResultType]::ParameterName, 'Let RTS and CTS say when to send; XON and XOFF are obeyed in any case')
            [CompletionResult]::new('--no-set-control-lines', '--no-set-control-lines', [CompletionResultType]::ParameterName, 'Leave DTR and RTS as they are')
            [CompletionResult]::new('--inverted-control-lines', '--inverted-control-lines', [CompletionResultType]::ParameterName, 'DTR and RTS are inverted: asserted means released')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'otactl;list' {
            [CompletionResult]::new('--port', '--port', [CompletionResultType]::ParameterName, 'The device: /dev/ttyUSB0, COM7, ws://HOST[:PORT], http://HOST[:PORT], mqtt://[USER@]BROKER[:PORT]/DEVICE, tcp:// or udp://HOST:PORT, or `sim:`')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long a call to the device may take, such as `90s`, `5m`, or plain seconds')
            [CompletionResult]::new('--rpc-creds', '--rpc-creds', [CompletionResultType]::ParameterName, 'User and password for a device that asks for them: USER:PASSWORD, @FILE, or - to be asked')
            [CompletionResult]::new('--ca-cert-file', '--ca-cert-file', [CompletionResultType]::ParameterName, 'Trust the authorities in this PEM file, instead of those of the system')
            [CompletionResult]::new('--cert-file', '--cert-file', [CompletionResultType]::ParameterName, 'The certificate to show to a server that asks for one, as PEM; with --key-file')
            [CompletionResult]::new('--key-file', '--key-file', [CompletionResultType]::ParameterName, 'The private key of --cert-file, as PEM')
            [CompletionResult]::new('--baud-rate', '--baud-rate', [CompletionResultType]::ParameterName, 'Bits per second')
            [CompletionResult]::new('--set-control-lines', '--set-control-lines', [CompletionResultType]::ParameterName, 'Release DTR and RTS after opening, so that the board runs')
            [CompletionResult]::new('--serial-framing', '--serial-framing', [CompletionResultType]::ParameterName, 'How frames are set off')
            [CompletionResult]::new('--mqtt-password-file', '--mqtt-password-file', [CompletionResultType]::ParameterName, 'The password for the broker, in the first line of a file; - to be asked')
            [CompletionResult]::new('--mqtt-client-id', '--mqtt-client-id', [CompletionResultType]::ParameterName, 'The client id; brokers with rules want a certain one')
            [CompletionResult]::new('--mqtt-src', '--mqtt-src', [CompletionResultType]::ParameterName, 'Who asks: the device answers on the topic SRC/rpc')
            [CompletionResult]::new('--mqtt-pub-topic', '--mqtt-pub-topic', [CompletionResultType]::ParameterName, 'The one topic to publish all requests to')
            [CompletionResult]::new('--mqtt-sub-topic', '--mqtt-sub-topic', [CompletionResultType]::ParameterName, 'The topic on which the answers come, if it is not SRC/rpc')
            [CompletionResult]::new('--mqtt-will-topic', '--mqtt-will-topic', [CompletionResultType]::ParameterName, 'Where the device''s last will is to be read, to explain its silence')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print results on one line, and update events as one JSON object per line')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more; twice: show every frame, without its secrets')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more; twice: show every frame, without its secrets')
            [CompletionResult]::new('--insecure', '--insecure', [CompletionResultType]::ParameterName, 'Take any TLS certificate')
            [CompletionResult]::new('--hw-flow-control', '--hw-flow-control', [CompletionResultType]::ParameterName, 'Let RTS and CTS say when to send; XON and XOFF are obeyed in any case')
            [CompletionResult]::new('--no-set-control-lines', '--no-set-control-lines', [CompletionResultType]::ParameterName, 'Leave DTR and RTS as they are')
            [CompletionResult]::new('--inverted-control-lines', '--inverted-control-lines', [CompletionResultType]::ParameterName, 'DTR and RTS are inverted: asserted means released')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'otactl;describe' {
            [CompletionResult]::new('--port', '--port', [CompletionResultType]::ParameterName, 'The device: /dev/ttyUSB0, COM7, ws://HOST[:PORT], http://HOST[:PORT], mqtt://[USER@]BROKER[:PORT]/DEVICE, tcp:// or udp://HOST:PORT, or `sim:`')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long a call to the device may take, such as `90s`, `5m`, or plain seconds')
            [CompletionResult]::new('--rpc-creds', '--rpc-creds', [CompletionResultType]::ParameterName, 'User and password for a device that asks for them: USER:PASSWORD, @FILE, or - to be asked')
            [CompletionResult]::new('--ca-cert-file', '--ca-cert-file', [CompletionResultType]::ParameterName, 'Trust the authorities in this PEM file, instead of those of the system')
            [CompletionResult]::new('--cert-file', '--cert-file', [CompletionResultType]::ParameterName, 'The certificate to show to a server that asks for one, as PEM; with --key-file')
            [CompletionResult]::new('--key-file', '--key-file', [CompletionResultType]::ParameterName, 'The private key of --cert-file, as PEM')
            [CompletionResult]::new('--baud-rate', '--baud-rate', [CompletionResultType]::ParameterName, 'Bits per second')
            [CompletionResult]::new('--set-control-lines', '--set-control-lines', [CompletionResultType]::ParameterName, 'Release DTR and RTS after opening, so that the board runs')
            [CompletionResult]::new('--serial-framing', '--serial-framing', [CompletionResultType]::ParameterName, 'How frames are set off')
            [CompletionResult]::new('--mqtt-password-file', '--mqtt-password-file', [CompletionResultType]::ParameterName, 'The password for the broker, in the first line of a file; - to be asked')
            [CompletionResult]::new('--mqtt-client-id', '--mqtt-client-id', [CompletionResultType]::ParameterName, 'The client id; brokers with rules want a certain one')
            [CompletionResult]::new('--mqtt-src', '--mqtt-src', [CompletionResultType]::ParameterName, 'Who asks: the device answers on the topic SRC/rpc')
            [CompletionResult]::new('--mqtt-pub-topic', '--mqtt-pub-topic', [CompletionResultType]::ParameterName, 'The one topic to publish all requests to')
            [CompletionResult]::new('--mqtt-sub-topic', '--mqtt-sub-topic', [CompletionResultType]::ParameterName, 'The topic on which the answers come, if it is not SRC/rpc')
            [CompletionResult]::new('--mqtt-will-topic', '--mqtt-will-topic', [CompletionResultType]::ParameterName, 'Where the device''s last will is to be read, to explain its silence')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print results on one line, and update events as one JSON object per line')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more; twice: show every frame, without its secrets')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more; twice: show every frame, without its secrets')
            [CompletionResult]::new('--insecure', '--insecure', [CompletionResultType]::ParameterName, 'Take any TLS certificate')
            [CompletionResult]::new('--hw-flow-control', '--hw-flow-control', [CompletionResultType]::ParameterName, 'Let RTS and CTS say when to send; XON and XOFF are obeyed in any case')
            [CompletionResult]::new('--no-set-control-lines', '--no-set-control-lines', [CompletionResultType]::ParameterName, 'Leave DTR and RTS as they are')
            [CompletionResult]::new('--inverted-control-lines', '--inverted-control-lines', [CompletionResultType]::ParameterName, 'DTR and RTS are inverted: asserted means released')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'otactl;info' {
            [CompletionResult]::new('--port', '--port', [CompletionResultType]::ParameterName, 'The device: /dev/ttyUSB0, COM7, ws://HOST[:PORT], http://HOST[:PORT], mqtt://[USER@]BROKER[:PORT]/DEVICE, tcp:// or udp://HOST:PORT, or `sim:`')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long a call to the device may take, such as `90s`, `5m`, or plain seconds')
            [CompletionResult]::new('--rpc-creds', '--rpc-creds', [CompletionResultType]::ParameterName, 'User and password for a device that asks for them: USER:PASSWORD, @FILE, or - to be asked')
            [CompletionResult]::new('--ca-cert-file', '--ca-cert-file', [CompletionResultType]::ParameterName, 'Trust the authorities in this PEM file, instead of those of the system')
            [CompletionResult]::new('--cert-file', '--cert-file', [CompletionResultType]::ParameterName, 'The certificate to show to a server that asks for one, as PEM; with --key-file')
            [CompletionResult]::new('--key-file', '--key-file', [CompletionResultType]::ParameterName, 'The private key of --cert-file, as PEM')
            [CompletionResult]::new('--baud-rate', '--baud-rate', [CompletionResultType]::ParameterName, 'Bits per second')
            [CompletionResult]::new('--set-control-lines', '--set-control-lines', [CompletionResultType]::ParameterName, 'Release DTR and RTS after opening, so that the board runs')
            [CompletionResult]::new('--serial-framing', '--serial-framing', [CompletionResultType]::ParameterName, 'How frames are set off')
            [CompletionResult]::new('--mqtt-password-file', '--mqtt-password-file', [CompletionResultType]::ParameterName, 'The password for the broker, in the first line of a file; - to be asked')
            [CompletionResult]::new('--mqtt-client-id', '--mqtt-client-id', [CompletionResultType]::ParameterName, 'The client id; brokers with rules want a certain one')
            [CompletionResult]::new('--mqtt-src', '--mqtt-src', [CompletionResultType]::ParameterName, 'Who asks: the device answers on the topic SRC/rpc')
            [CompletionResult]::new('--mqtt-pub-topic', '--mqtt-pub-topic', [CompletionResultType]::ParameterName, 'The one topic to publish all requests to')
            [CompletionResult]::new('--mqtt-sub-topic', '--mqtt-sub-topic', [CompletionResultType]::ParameterName, 'The topic on which the answers come, if it is not SRC/rpc')
            [CompletionResult]::new('--mqtt-will-topic', '--mqtt-will-topic', [CompletionResultType]::ParameterName, 'Where the device''s last will is to be read, to explain its silence')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print results on one line, and update events as one JSON object per line')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more; twice: show every frame, without its secrets')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more; twice: show every frame, without its secrets')
            [CompletionResult]::new('--insecure', '--insecure', [CompletionResultType]::ParameterName, 'Take any TLS certificate')
            [CompletionResult]::new('--hw-flow-control', '--hw-flow-control', [CompletionResultType]::ParameterName, 'Let RTS and CTS say when to send; XON and XOFF are obeyed in any case')
            [CompletionResult]::new('--no-set-control-lines', '--no-set-control-lines', [CompletionResultType]::ParameterName, 'Leave DTR and RTS as they are')
            [CompletionResult]::new('--inverted-control-lines', '--inverted-control-lines', [CompletionResultType]::ParameterName, 'DTR and RTS are inverted: asserted means released')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'otactl;ping' {
            [CompletionResult]::new('--port', '--port', [CompletionResultType]::ParameterName, 'The device: /dev/ttyUSB0, COM7, ws://HOST[:PORT], http://HOST[:PORT], mqtt://[USER@]BROKER[:PORT]/DEVICE, tcp:// or udp://HOST:PORT, or `sim:`')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long a call to the device may take, such as `90s`, `5m`, or plain seconds')
            [CompletionResult]::new('--rpc-creds', '--rpc-creds', [CompletionResultType]::ParameterName, 'User and password for a device that asks for them: USER:PASSWORD, @FILE, or - to be asked')
            [CompletionResult]::new('--ca-cert-file', '--ca-cert-file', [CompletionResultType]::ParameterName, 'Trust the authorities in this PEM file, instead of those of the system')
            [CompletionResult]::new('--cert-file', '--cert-file', [CompletionResultType]::ParameterName, 'The certificate to show to a server that asks for one, as PEM; with --key-file')
            [CompletionResult]::new('--key-file', '--key-file', [CompletionResultType]::ParameterName, 'The private key of --cert-file, as PEM')
            [CompletionResult]::new('--baud-rate', '--baud-rate', [CompletionResultType]::ParameterName, 'Bits per second')
            [CompletionResult]::new('--set-control-lines', '--set-control-lines', [CompletionResultType]::ParameterName, 'Release DTR and RTS after opening, so that the board runs')
            [CompletionResult]::new('--serial-framing', '--serial-framing', [CompletionResultType]::ParameterName, 'How frames are set off')
            [CompletionResult]::new('--mqtt-password-file', '--mqtt-password-file', [CompletionResultType]::ParameterName, 'The password for the broker, in the first line of a file; - to be asked')
            [CompletionResult]::new('--mqtt-client-id', '--mqtt-client-id', [CompletionResultType]::ParameterName, 'The client id; brokers with rules want a certain one')
            [CompletionResult]::new('--mqtt-src', '--mqtt-src', [CompletionResultType]::ParameterName, 'Who asks: the device answers on the topic SRC/rpc')
            [CompletionResult]::new('--mqtt-pub-topic', '--mqtt-pub-topic', [CompletionResultType]::ParameterName, 'The one topic to publish all requests to')
            [CompletionResult]::new('--mqtt-sub-topic', '--mqtt-sub-topic', [CompletionResultType]::ParameterName, 'The topic on which the answers come, if it is not SRC/rpc')
            [CompletionResult]::new('--mqtt-will-topic', '--mqtt-will-topic', [CompletionResultType]::ParameterName, 'Where the device''s last will is to be read, to explain its silence')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print results on one line, and update events as one JSON object per line')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more; twice: show every frame, without its secrets')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more; twice: show every frame, without its secrets')
            [CompletionResult]::new('--insecure', '--insecure', [CompletionResultType]::ParameterName, 'Take any TLS certificate')
            [CompletionResult]::new('--hw-flow-control', '--hw-flow-control', [CompletionResultType]::ParameterName, 'Let RTS and CTS say when to send; XON and XOFF are obeyed in any case')
            [CompletionResult]::new('--no-set-control-lines', '--no-set-control-lines', [CompletionResultType]::ParameterName, 'Leave DTR and RTS as they are')
            [CompletionResult]::new('--inverted-control-lines', '--inverted-control-lines', [CompletionResultType]::ParameterName, 'DTR and RTS are inverted: asserted means released')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'otactl;reboot' {
            [CompletionResult]::new('--delay-ms', '--delay-ms', [CompletionResultType]::ParameterName, 'Milliseconds from the device''s answer to the reboot')
            [CompletionResult]::new('--port', '--port', [CompletionResultType]::ParameterName, 'The device: /dev/ttyUSB0, COM7, ws://HOST[:PORT], http://HOST[:PORT], mqtt://[USER@]BROKER[:PORT]/DEVICE, tcp:// or udp://HOST:PORT, or `sim:`')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long a call to the device may take, such as `90s`, `5m`, or plain seconds')
            [CompletionResult]::new('--rpc-creds', '--rpc-creds', [CompletionResultType]::ParameterName, 'User and password for a device that asks for them: USER:PASSWORD, @FILE, or - to be asked')
            [CompletionResult]::new('--ca-cert-file', '--ca-cert-file', [CompletionResultType]::ParameterName, 'Trust the authorities in this PEM file, instead of those of the system')
            [CompletionResult]::new('--cert-file', '--cert-file', [CompletionResultType]::ParameterName, 'The certificate to show to a server that asks for one, as PEM; with --key-file')
            [CompletionResult]::new('--key-file', '--key-file', [CompletionResultType]::ParameterName, 'The private key of --cert-file, as PEM')
            [CompletionResult]::new('--baud-rate', '--baud-rate', [CompletionResultType]::ParameterName, 'Bits per second')
            [CompletionResult]::new('--set-control-lines', '--set-control-lines', [CompletionResultType]::ParameterName, 'Release DTR and RTS after opening, so that the board runs')
            [CompletionResult]::new('--serial-framing', '--serial-framing', [CompletionResultType]::ParameterName, 'How frames are set off')
            [CompletionResult]::new('--mqtt-password-file', '--mqtt-password-file', [CompletionResultType]::ParameterName, 'The password for the broker, in the first line of a file; - to be asked')
            [CompletionResult]::new('--mqtt-client-id', '--mqtt-client-id', [CompletionResultType]::ParameterName, 'The client id; brokers with rules want a certain one')
            [CompletionResult]::new('--mqtt-src', '--mqtt-src', [CompletionResultType]::ParameterName, 'Who asks: the device answers on the topic SRC/rpc')
            [CompletionResult]::new('--mqtt-pub-topic', '--mqtt-pub-topic', [CompletionResultType]::ParameterName, 'The one topic to publish all requests to')
            [CompletionResult]::new('--mqtt-sub-topic', '--mqtt-sub-topic', [CompletionResultType]::ParameterName, 'The topic on which the answers come, if it is not SRC/rpc')
            [CompletionResult]::new('--mqtt-will-topic', '--mqtt-will-topic', [CompletionResultType]::ParameterName, 'Where the device''s last will is to be read, to explain its silence')
            [CompletionResult]::new('--force', '--force', [CompletionResultType]::ParameterName, 'Reboot even if that is a rollback')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print results on one line, and update events as one JSON object per line')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more; twice: show every frame, without its secrets')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more; twice: show every frame, without its secrets')
            [CompletionResult]::new('--insecure', '--insecure', [CompletionResultType]::ParameterName, 'Take any TLS certificate')
            [CompletionResult]::new('--hw-flow-control', '--hw-flow-control', [CompletionResultType]::ParameterName, 'Let RTS and CTS say when to send; XON and XOFF are obeyed in any case')
            [CompletionResult]::new('--no-set-control-lines', '--no-set-control-lines', [CompletionResultType]::ParameterName, 'Leave DTR and RTS as they are')
            [CompletionResult]::new('--inverted-control-lines', '--inverted-control-lines', [CompletionResultType]::ParameterName, 'DTR and RTS are inverted: asserted means released')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'otactl;simulate' {
            [CompletionResult]::new('--listen', '--listen', [CompletionResultType]::ParameterName, 'Where it listens')
            [CompletionResult]::new('--tcp', '--tcp', [CompletionResultType]::ParameterName, 'Where it listens for plain TCP')
            [CompletionResult]::new('--udp', '--udp', [CompletionResultType]::ParameterName, 'Where it listens for UDP')
            [CompletionResult]::new('--mqtt', '--mqtt', [CompletionResultType]::ParameterName, 'Let it be a client of this broker: mqtt://[USER:PASSWORD@]BROKER[:PORT]/DEVICE')
            [CompletionResult]::new('--mqtt-generation', '--mqtt-generation', [CompletionResultType]::ParameterName, 'The age of its MQTT library')
            [CompletionResult]::new('--tls', '--tls', [CompletionResultType]::ParameterName, 'Where it listens for WebSocket and HTTP over TLS; with --tls-cert and --tls-key')
            [CompletionResult]::new('--tls-cert', '--tls-cert', [CompletionResultType]::ParameterName, 'Its certificate for --tls, as PEM, with those that lead to its authority')
            [CompletionResult]::new('--tls-key', '--tls-key', [CompletionResultType]::ParameterName, 'The private key of --tls-cert, as PEM')
            [CompletionResult]::new('--id', '--id', [CompletionResultType]::ParameterName, 'Its id')
            [CompletionResult]::new('--platform', '--platform', [CompletionResultType]::ParameterName, 'Its platform')
            [CompletionResult]::new('--reboot-delay', '--reboot-delay', [CompletionResultType]::ParameterName, 'How long a reboot takes')
            [CompletionResult]::new('--auth', '--auth', [CompletionResultType]::ParameterName, 'Let in only who knows these: USER:PASSWORD[:REALM]')
            [CompletionResult]::new('--auth-algo', '--auth-algo', [CompletionResultType]::ParameterName, 'The hash of its challenges')
            [CompletionResult]::new('--state', '--state', [CompletionResultType]::ParameterName, 'Where to keep its flash; without it, every start is from the factory')
            [CompletionResult]::new('--fault', '--fault', [CompletionResultType]::ParameterName, 'Let something go wrong; may be given many times')
            [CompletionResult]::new('--port', '--port', [CompletionResultType]::ParameterName, 'The device: /dev/ttyUSB0, COM7, ws://HOST[:PORT], http://HOST[:PORT], mqtt://[USER@]BROKER[:PORT]/DEVICE, tcp:// or udp://HOST:PORT, or `sim:`')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long a call to the device may take, such as `90s`, `5m`, or plain seconds')
            [CompletionResult]::new('--rpc-creds', '--rpc-creds', [CompletionResultType]::ParameterName, 'User and password for a device that asks for them: USER:PASSWORD, @FILE, or - to be asked')
            [CompletionResult]::new('--ca-cert-file', '--ca-cert-file', [CompletionResultType]::ParameterName, 'Trust the authorities in this PEM file, instead of those of the system')
            [CompletionResult]::new('--cert-file', '--cert-file', [CompletionResultType]::ParameterName, 'The certificate to show to a server that asks for one, as PEM; with --key-file')
            [CompletionResult]::new('--key-file', '--key-file', [CompletionResultType]::ParameterName, 'The private key of --cert-file, as PEM')
            [CompletionResult]::new('--baud-rate', '--baud-rate', [CompletionResultType]::ParameterName, 'Bits per second')
            [CompletionResult]::new('--set-control-lines', '--set-control-lines', [CompletionResultType]::ParameterName, 'Release DTR and RTS after opening, so that the board runs')
            [CompletionResult]::new('--serial-framing', '--serial-framing', [CompletionResultType]::ParameterName, 'How frames are set off')
            [CompletionResult]::new('--mqtt-password-file', '--mqtt-password-file', [CompletionResultType]::ParameterName, 'The password for the broker, in the first line of a file; - to be asked')
            [CompletionResult]::new('--mqtt-client-id', '--mqtt-client-id', [CompletionResultType]::ParameterName, 'The client id; brokers with rules want a certain one')
            [CompletionResult]::new('--mqtt-src', '--mqtt-src', [CompletionResultType]::ParameterName, 'Who asks: the device answers on the topic SRC/rpc')
            [CompletionResult]::new('--mqtt-pub-topic', '--mqtt-pub-topic', [CompletionResultType]::ParameterName, 'The one topic to publish all requests to')
            [CompletionResult]::new('--mqtt-sub-topic', '--mqtt-sub-topic', [CompletionResultType]::ParameterName, 'The topic on which the answers come, if it is not SRC/rpc')
            [CompletionResult]::new('--mqtt-will-topic', '--mqtt-will-topic', [CompletionResultType]::ParameterName, 'Where the device''s last will is to be read, to explain its silence')
            [CompletionResult]::new('--serial', '--serial', [CompletionResultType]::ParameterName, 'Serve it on a serial port too, with --baud-rate, and say where that is')
            [CompletionResult]::new('--console-noise', '--console-noise', [CompletionResultType]::ParameterName, 'Let its console speak between the frames on the serial port')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print results on one line, and update events as one JSON object per line')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more; twice: show every frame, without its secrets')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more; twice: show every frame, without its secrets')
            [CompletionResult]::new('--insecure', '--insecure', [CompletionResultType]::ParameterName, 'Take any TLS certificate')
            [CompletionResult]::new('--hw-flow-control', '--hw-flow-control', [CompletionResultType]::ParameterName, 'Let RTS and CTS say when to send; XON and XOFF are obeyed in any case')
            [CompletionResult]::new('--no-set-control-lines', '--no-set-control-lines', [CompletionResultType]::ParameterName, 'Leave DTR and RTS as they are')
            [CompletionResult]::new('--inverted-control-lines', '--inverted-control-lines', [CompletionResultType]::ParameterName, 'DTR and RTS are inverted: asserted means released')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'otactl;help' {
            [CompletionResult]::new('update', 'update', [CompletionResultType]::ParameterValue, 'Take the device to a new firmware, prove that it runs, and commit it')
            [CompletionResult]::new('wait', 'wait', [CompletionResultType]::ParameterValue, 'Wait until the device is in a state, and say when it is')
            [CompletionResult]::new('commit', 'commit', [CompletionResultType]::ParameterValue, 'Keep the firmware that runs (OTA.Commit)')
            [CompletionResult]::new('revert', 'revert', [CompletionResultType]::ParameterValue, 'Go back to the firmware that ran before, by a reboot (OTA.Revert)')
            [CompletionResult]::new('create-snapshot', 'create-snapshot', [CompletionResultType]::ParameterValue, 'Copy the running firmware to the other slot (OTA.CreateSnapshot)')
            [CompletionResult]::new('get-boot-state', 'get-boot-state', [CompletionResultType]::ParameterValue, 'Show which slot runs, and whether it is committed (OTA.GetBootState)')
            [CompletionResult]::new('set-boot-state', 'set-boot-state', [CompletionResultType]::ParameterValue, 'Set some fields of the boot state (OTA.SetBootState)')
            [CompletionResult]::new('status', 'status', [CompletionResultType]::ParameterValue, 'Show how far an update is (OTA.Status)')
            [CompletionResult]::new('call', 'call', [CompletionResultType]::ParameterValue, 'Call any method of the device')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List the methods of the device (RPC.List)')
            [CompletionResult]::new('describe', 'describe', [CompletionResultType]::ParameterValue, 'Show the arguments of a method (RPC.Describe)')
            [CompletionResult]::new('info', 'info', [CompletionResultType]::ParameterValue, 'Show what the device is and what it runs (Sys.GetInfo)')
            [CompletionResult]::new('ping', 'ping', [CompletionResultType]::ParameterValue, 'Ask whether the device is there (RPC.Ping)')
            [CompletionResult]::new('reboot', 'reboot', [CompletionResultType]::ParameterValue, 'Reboot the device (Sys.Reboot)')
            [CompletionResult]::new('simulate', 'simulate', [CompletionResultType]::ParameterValue, 'Run a simulated device, over WebSocket, HTTP, TLS, TCP, UDP, MQTT and a serial port, until Ctrl-C')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'otactl;help;update' {
            break
        }
        'otactl;help;wait' {
            break
        }
        'otactl;help;commit' {
            break
        }
        'otactl;help;revert' {
            break
        }
        'otactl;help;create-snapshot' {
            break
        }
        'otactl;help;get-boot-state' {
            break
        }
        'otactl;help;set-boot-state' {
            break
        }
        'otactl;help;status' {
            break
        }
        'otactl;help;call' {
            break
        }
        'otactl;help;list' {
            break
        }
        'otactl;help;describe' {
            break
        }
        'otactl;help;info' {
            break
        }
        'otactl;help;ping' {
            break
        }
        'otactl;help;reboot' {
            break
        }
        'otactl;help;simulate' {
            break
        }
        'otactl;help;help' {
            break
        }
    })

    $completions.Where{ $_.CompletionText -like "$wordToComplete*" } |
        Sort-Object -Property ListItemText
}
