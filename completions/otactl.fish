# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_otactl_global_optspecs
    string join \n port= timeout= rpc-creds= json q/quiet v/verbose ca-cert-file= cert-file= key-file= insecure baud-rate= hw-flow-control set-control-lines= no-set-control-lines inverted-control-lines serial-framing= mqtt-password-file= mqtt-client-id= mqtt-src= mqtt-pub-topic= mqtt-sub-topic= mqtt-will-topic= h/help V/version
end

function __fish_otactl_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_otactl_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_otactl_using_subcommand
    set -l cmd (__fish_otactl_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c otactl -n "__fish_otactl_needs_command" -l port -d 'The device: /dev/ttyUSB0, COM7, ws://HOST[:PORT], http://HOST[:PORT], mqtt://[USER@]BROKER[:PORT]/DEVICE, tcp:// or udp://HOST:PORT, or `sim:`' -r
complete -c otactl -n "__fish_otactl_needs_command" -l timeout -d 'How long a call to the device may take, such as `90s`, `5m`, or plain seconds' -r
complete -c otactl -n "__fish_otactl_needs_command" -l rpc-creds -d 'User and password for a device that asks for them: USER:PASSWORD, @FILE, or - to be asked' -r
complete -c otactl -n "__fish_otactl_needs_command" -l ca-cert-file -d 'Trust the authorities in this PEM file, instead of those of the system' -r -F
complete -c otactl -n "__fish_otactl_needs_command" -l cert-file -d 'The certificate to show to a server that asks for one, as PEM; with --key-file' -r -F
complete -c otactl -n "__fish_otactl_needs_command" -l key-file -d 'The private key of --cert-file, as PEM' -r -F
complete -c otactl -n "__fish_otactl_needs_command" -l baud-rate -d 'Bits per second' -r
complete -c otactl -n "__fish_otactl_needs_command" -l set-control-lines -d 'Release DTR and RTS after opening, so that the board runs' -r -f -a "true\t''
false\t''"
complete -c otactl -n "__fish_otactl_needs_command" -l serial-framing -d 'How frames are set off' -r -f -a "auto\t'As lines, unless the device turns out to be too old for that'
line\t'As lines with a CRC'
quoted\t'Between """ and """, as old firmware wants it'"
complete -c otactl -n "__fish_otactl_needs_command" -l mqtt-password-file -d 'The password for the broker, in the first line of a file; - to be asked' -r -F
complete -c otactl -n "__fish_otactl_needs_command" -l mqtt-client-id -d 'The client id; brokers with rules want a certain one' -r
complete -c otactl -n "__fish_otactl_needs_command" -l mqtt-src -d 'Who asks: the device answers on the topic SRC/rpc' -r
complete -c otactl -n "__fish_otactl_needs_command" -l mqtt-pub-topic -d 'The one topic to publish all requests to' -r
complete -c otactl -n "__fish_otactl_needs_command" -l mqtt-sub-topic -d 'The topic on which the answers come, if it is not SRC/rpc' -r
complete -c otactl -n "__fish_otactl_needs_command" -l mqtt-will-topic -d 'Where the device\'s last will is to be read, to explain its silence' -r
complete -c otactl -n "__fish_otactl_needs_command" -l json -d 'Print results on one line, and update events as one JSON object per line'
complete -c otactl -n "__fish_otactl_needs_command" -s q -l quiet -d 'Say nothing but results and errors'
complete -c otactl -n "__fish_otactl_needs_command" -s v -l verbose -d 'Say more; twice: show every frame, without its secrets'
complete -c otactl -n "__fish_otactl_needs_command" -l insecure -d 'Take any TLS certificate'
complete -c otactl -n "__fish_otactl_needs_command" -l hw-flow-control -d 'Let RTS and CTS say when to send; XON and XOFF are obeyed in any case'
complete -c otactl -n "__fish_otactl_needs_command" -l no-set-control-lines -d 'Leave DTR and RTS as they are'
complete -c otactl -n "__fish_otactl_needs_command" -l inverted-control-lines -d 'DTR and RTS are inverted: asserted means released'
complete -c otactl -n "__fish_otactl_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c otactl -n "__fish_otactl_needs_command" -s V -l version -d 'Print version'
complete -c otactl -n "__fish_otactl_needs_command" -f -a "update" -d 'Take the device to a new firmware, prove that it runs, and commit it'
complete -c otactl -n "__fish_otactl_needs_command" -f -a "wait" -d 'Wait until the device is in a state, and say when it is'
complete -c otactl -n "__fish_otactl_needs_command" -f -a "commit" -d 'Keep the firmware that runs (OTA.Commit)'
complete -c otactl -n "__fish_otactl_needs_command" -f -a "revert" -d 'Go back to the firmware that ran before, by a reboot (OTA.Revert)'
complete -c otactl -n "__fish_otactl_needs_command" -f -a "create-snapshot" -d 'Copy the running firmware to the other slot (OTA.CreateSnapshot)'
complete -c otactl -n "__fish_otactl_needs_command" -f -a "get-boot-state" -d 'Show which slot runs, and whether it is committed (OTA.GetBootState)'
complete -c otactl -n "__fish_otactl_needs_command" -f -a "set-boot-state" -d 'Set some fields of the boot state (OTA.SetBootState)'
complete -c otactl -n "__fish_otactl_needs_command" -f -a "status" -d 'Show how far an update is (OTA.Status)'
complete -c otactl -n "__fish_otactl_needs_command" -f -a "call" -d 'Call any method of the device'
complete -c otactl -n "__fish_otactl_needs_command" -f -a "list" -d 'List the methods of the device (RPC.List)'
complete -c otactl -n "__fish_otactl_needs_command" -f -a "describe" -d 'Show the arguments of a method (RPC.Describe)'
complete -c otactl -n "__fish_otactl_needs_command" -f -a "info" -d 'Show what the device is and what it runs (Sys.GetInfo)'
complete -c otactl -n "__fish_otactl_needs_command" -f -a "ping" -d 'Ask whether the device is there (RPC.Ping)'
complete -c otactl -n "__fish_otactl_needs_command" -f -a "reboot" -d 'Reboot the device (Sys.Reboot)'
complete -c otactl -n "__fish_otactl_needs_command" -f -a "simulate" -d 'Run a simulated device, over WebSocket, HTTP, TLS, TCP, UDP, MQTT and a serial port, until Ctrl-C'
complete -c otactl -n "__fish_otactl_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c otactl -n "__fish_otactl_using_subcommand update" -l url -d 'URL from which the device downloads the firmware; if the device cannot reach it or has no licence, otactl does' -r
complete -c otactl -n "__fish_otactl_using_subcommand update" -l via -d 'How the device gets the firmware: by a pull (it downloads) or a push (otactl sends it over --port)' -r -f -a "auto\t'Pull; push if the device cannot download the firmware'
pull\t'The device downloads the firmware: a FILE from otactl, a URL from its server'
push\t'otactl sends the firmware over --port; it downloads a URL first'"
complete -c otactl -n "__fish_otactl_using_subcommand update" -l commit-timeout -d 'How long after its reboot the device waits for the commit before it goes back' -r
complete -c otactl -n "__fish_otactl_using_subcommand update" -l download-timeout -d 'How long the device may take to get and write the firmware [default: 600s, more for large ones]' -r
complete -c otactl -n "__fish_otactl_using_subcommand update" -l ask-timeout -d 'How long the device may take to ask for the firmware, before it is sent it, or is given up after three times that' -r
complete -c otactl -n "__fish_otactl_using_subcommand update" -l stall-timeout -d 'How long a download may make no progress before it fails, on the device or from the server of --url' -r
complete -c otactl -n "__fish_otactl_using_subcommand update" -l reboot-timeout -d 'How long the device may take from the download to its first answer after the reboot' -r
complete -c otactl -n "__fish_otactl_using_subcommand update" -l listen -d 'Where to serve the firmware: ADDRESS:PORT, ADDRESS or :PORT' -r
complete -c otactl -n "__fish_otactl_using_subcommand update" -l advertise -d 'Under which host, and port if it differs, the device reaches this machine' -r
complete -c otactl -n "__fish_otactl_using_subcommand update" -l commit-port -d 'After the reboot, look at the device and commit it over this port; a `--port` of the same device' -r
complete -c otactl -n "__fish_otactl_using_subcommand update" -l allow-from -d 'Serve this address or network too, or `any`: for a device behind NAT; may be given more than once' -r
complete -c otactl -n "__fish_otactl_using_subcommand update" -l serve-tls -d 'Serve the firmware over HTTPS, with this certificate and its key, as PEM' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand update" -l check-rpc -d 'Before the commit, a method must succeed, and its result contain the JSON after `=>`' -r
complete -c otactl -n "__fish_otactl_using_subcommand update" -l check-cmd -d 'Before the commit, a program must end with exit status 0' -r
complete -c otactl -n "__fish_otactl_using_subcommand update" -l check-http -d 'Before the commit, a GET of this URL must bring a status of 200 to 299' -r
complete -c otactl -n "__fish_otactl_using_subcommand update" -l check-timeout -d 'How long each check may take' -r
complete -c otactl -n "__fish_otactl_using_subcommand update" -l soak -d 'Before the commit and after all checks, the device must run for so long without a reboot' -r
complete -c otactl -n "__fish_otactl_using_subcommand update" -l on-unhealthy -d 'What becomes of a firmware that is not well' -r -f -a "revert\t'The device is told to go back at once'
leave\t'It is left to be looked at, until it goes back by itself'"
complete -c otactl -n "__fish_otactl_using_subcommand update" -l port -d 'The device: /dev/ttyUSB0, COM7, ws://HOST[:PORT], http://HOST[:PORT], mqtt://[USER@]BROKER[:PORT]/DEVICE, tcp:// or udp://HOST:PORT, or `sim:`' -r
complete -c otactl -n "__fish_otactl_using_subcommand update" -l timeout -d 'How long a call to the device may take, such as `90s`, `5m`, or plain seconds' -r
complete -c otactl -n "__fish_otactl_using_subcommand update" -l rpc-creds -d 'User and password for a device that asks for them: USER:PASSWORD, @FILE, or - to be asked' -r
complete -c otactl -n "__fish_otactl_using_subcommand update" -l ca-cert-file -d 'Trust the authorities in this PEM file, instead of those of the system' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand update" -l cert-file -d 'The certificate to show to a server that asks for one, as PEM; with --key-file' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand update" -l key-file -d 'The private key of --cert-file, as PEM' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand update" -l baud-rate -d 'Bits per second' -r
complete -c otactl -n "__fish_otactl_using_subcommand update" -l set-control-lines -d 'Release DTR and RTS after opening, so that the board runs' -r -f -a "true\t''
false\t''"
complete -c otactl -n "__fish_otactl_using_subcommand update" -l serial-framing -d 'How frames are set off' -r -f -a "auto\t'As lines, unless the device turns out to be too old for that'
line\t'As lines with a CRC'
quoted\t'Between """ and """, as old firmware wants it'"
complete -c otactl -n "__fish_otactl_using_subcommand update" -l mqtt-password-file -d 'The password for the broker, in the first line of a file; - to be asked' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand update" -l mqtt-client-id -d 'The client id; brokers with rules want a certain one' -r
complete -c otactl -n "__fish_otactl_using_subcommand update" -l mqtt-src -d 'Who asks: the device answers on the topic SRC/rpc' -r
complete -c otactl -n "__fish_otactl_using_subcommand update" -l mqtt-pub-topic -d 'The one topic to publish all requests to' -r
complete -c otactl -n "__fish_otactl_using_subcommand update" -l mqtt-sub-topic -d 'The topic on which the answers come, if it is not SRC/rpc' -r
complete -c otactl -n "__fish_otactl_using_subcommand update" -l mqtt-will-topic -d 'Where the device\'s last will is to be read, to explain its silence' -r
complete -c otactl -n "__fish_otactl_using_subcommand update" -l no-commit -d 'Leave the new firmware uncommitted, and say until when'
complete -c otactl -n "__fish_otactl_using_subcommand update" -l snapshot-first -d 'Copy what runs to another slot first (OTA.CreateSnapshot), where the platform has more than two'
complete -c otactl -n "__fish_otactl_using_subcommand update" -l no-abort -d 'Never end an update on the device; refuse if one runs'
complete -c otactl -n "__fish_otactl_using_subcommand update" -l dry-run -d 'Say what would be done, and touch nothing'
complete -c otactl -n "__fish_otactl_using_subcommand update" -l force -d 'Install another app than the one that runs, or offer the device the build that it runs already'
complete -c otactl -n "__fish_otactl_using_subcommand update" -l allow-downgrade -d 'Install also an older version than the one that runs'
complete -c otactl -n "__fish_otactl_using_subcommand update" -l json -d 'Print results on one line, and update events as one JSON object per line'
complete -c otactl -n "__fish_otactl_using_subcommand update" -s q -l quiet -d 'Say nothing but results and errors'
complete -c otactl -n "__fish_otactl_using_subcommand update" -s v -l verbose -d 'Say more; twice: show every frame, without its secrets'
complete -c otactl -n "__fish_otactl_using_subcommand update" -l insecure -d 'Take any TLS certificate'
complete -c otactl -n "__fish_otactl_using_subcommand update" -l hw-flow-control -d 'Let RTS and CTS say when to send; XON and XOFF are obeyed in any case'
complete -c otactl -n "__fish_otactl_using_subcommand update" -l no-set-control-lines -d 'Leave DTR and RTS as they are'
complete -c otactl -n "__fish_otactl_using_subcommand update" -l inverted-control-lines -d 'DTR and RTS are inverted: asserted means released'
complete -c otactl -n "__fish_otactl_using_subcommand update" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c otactl -n "__fish_otactl_using_subcommand wait" -l for -d 'How long to wait' -r
complete -c otactl -n "__fish_otactl_using_subcommand wait" -l port -d 'The device: /dev/ttyUSB0, COM7, ws://HOST[:PORT], http://HOST[:PORT], mqtt://[USER@]BROKER[:PORT]/DEVICE, tcp:// or udp://HOST:PORT, or `sim:`' -r
complete -c otactl -n "__fish_otactl_using_subcommand wait" -l timeout -d 'How long a call to the device may take, such as `90s`, `5m`, or plain seconds' -r
complete -c otactl -n "__fish_otactl_using_subcommand wait" -l rpc-creds -d 'User and password for a device that asks for them: USER:PASSWORD, @FILE, or - to be asked' -r
complete -c otactl -n "__fish_otactl_using_subcommand wait" -l ca-cert-file -d 'Trust the authorities in this PEM file, instead of those of the system' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand wait" -l cert-file -d 'The certificate to show to a server that asks for one, as PEM; with --key-file' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand wait" -l key-file -d 'The private key of --cert-file, as PEM' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand wait" -l baud-rate -d 'Bits per second' -r
complete -c otactl -n "__fish_otactl_using_subcommand wait" -l set-control-lines -d 'Release DTR and RTS after opening, so that the board runs' -r -f -a "true\t''
false\t''"
complete -c otactl -n "__fish_otactl_using_subcommand wait" -l serial-framing -d 'How frames are set off' -r -f -a "auto\t'As lines, unless the device turns out to be too old for that'
line\t'As lines with a CRC'
quoted\t'Between """ and """, as old firmware wants it'"
complete -c otactl -n "__fish_otactl_using_subcommand wait" -l mqtt-password-file -d 'The password for the broker, in the first line of a file; - to be asked' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand wait" -l mqtt-client-id -d 'The client id; brokers with rules want a certain one' -r
complete -c otactl -n "__fish_otactl_using_subcommand wait" -l mqtt-src -d 'Who asks: the device answers on the topic SRC/rpc' -r
complete -c otactl -n "__fish_otactl_using_subcommand wait" -l mqtt-pub-topic -d 'The one topic to publish all requests to' -r
complete -c otactl -n "__fish_otactl_using_subcommand wait" -l mqtt-sub-topic -d 'The topic on which the answers come, if it is not SRC/rpc' -r
complete -c otactl -n "__fish_otactl_using_subcommand wait" -l mqtt-will-topic -d 'Where the device\'s last will is to be read, to explain its silence' -r
complete -c otactl -n "__fish_otactl_using_subcommand wait" -l json -d 'Print results on one line, and update events as one JSON object per line'
complete -c otactl -n "__fish_otactl_using_subcommand wait" -s q -l quiet -d 'Say nothing but results and errors'
complete -c otactl -n "__fish_otactl_using_subcommand wait" -s v -l verbose -d 'Say more; twice: show every frame, without its secrets'
complete -c otactl -n "__fish_otactl_using_subcommand wait" -l insecure -d 'Take any TLS certificate'
complete -c otactl -n "__fish_otactl_using_subcommand wait" -l hw-flow-control -d 'Let RTS and CTS say when to send; XON and XOFF are obeyed in any case'
complete -c otactl -n "__fish_otactl_using_subcommand wait" -l no-set-control-lines -d 'Leave DTR and RTS as they are'
complete -c otactl -n "__fish_otactl_using_subcommand wait" -l inverted-control-lines -d 'DTR and RTS are inverted: asserted means released'
complete -c otactl -n "__fish_otactl_using_subcommand wait" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c otactl -n "__fish_otactl_using_subcommand commit" -l port -d 'The device: /dev/ttyUSB0, COM7, ws://HOST[:PORT], http://HOST[:PORT], mqtt://[USER@]BROKER[:PORT]/DEVICE, tcp:// or udp://HOST:PORT, or `sim:`' -r
complete -c otactl -n "__fish_otactl_using_subcommand commit" -l timeout -d 'How long a call to the device may take, such as `90s`, `5m`, or plain seconds' -r
complete -c otactl -n "__fish_otactl_using_subcommand commit" -l rpc-creds -d 'User and password for a device that asks for them: USER:PASSWORD, @FILE, or - to be asked' -r
complete -c otactl -n "__fish_otactl_using_subcommand commit" -l ca-cert-file -d 'Trust the authorities in this PEM file, instead of those of the system' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand commit" -l cert-file -d 'The certificate to show to a server that asks for one, as PEM; with --key-file' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand commit" -l key-file -d 'The private key of --cert-file, as PEM' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand commit" -l baud-rate -d 'Bits per second' -r
complete -c otactl -n "__fish_otactl_using_subcommand commit" -l set-control-lines -d 'Release DTR and RTS after opening, so that the board runs' -r -f -a "true\t''
false\t''"
complete -c otactl -n "__fish_otactl_using_subcommand commit" -l serial-framing -d 'How frames are set off' -r -f -a "auto\t'As lines, unless the device turns out to be too old for that'
line\t'As lines with a CRC'
quoted\t'Between """ and """, as old firmware wants it'"
complete -c otactl -n "__fish_otactl_using_subcommand commit" -l mqtt-password-file -d 'The password for the broker, in the first line of a file; - to be asked' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand commit" -l mqtt-client-id -d 'The client id; brokers with rules want a certain one' -r
complete -c otactl -n "__fish_otactl_using_subcommand commit" -l mqtt-src -d 'Who asks: the device answers on the topic SRC/rpc' -r
complete -c otactl -n "__fish_otactl_using_subcommand commit" -l mqtt-pub-topic -d 'The one topic to publish all requests to' -r
complete -c otactl -n "__fish_otactl_using_subcommand commit" -l mqtt-sub-topic -d 'The topic on which the answers come, if it is not SRC/rpc' -r
complete -c otactl -n "__fish_otactl_using_subcommand commit" -l mqtt-will-topic -d 'Where the device\'s last will is to be read, to explain its silence' -r
complete -c otactl -n "__fish_otactl_using_subcommand commit" -l json -d 'Print results on one line, and update events as one JSON object per line'
complete -c otactl -n "__fish_otactl_using_subcommand commit" -s q -l quiet -d 'Say nothing but results and errors'
complete -c otactl -n "__fish_otactl_using_subcommand commit" -s v -l verbose -d 'Say more; twice: show every frame, without its secrets'
complete -c otactl -n "__fish_otactl_using_subcommand commit" -l insecure -d 'Take any TLS certificate'
complete -c otactl -n "__fish_otactl_using_subcommand commit" -l hw-flow-control -d 'Let RTS and CTS say when to send; XON and XOFF are obeyed in any case'
complete -c otactl -n "__fish_otactl_using_subcommand commit" -l no-set-control-lines -d 'Leave DTR and RTS as they are'
complete -c otactl -n "__fish_otactl_using_subcommand commit" -l inverted-control-lines -d 'DTR and RTS are inverted: asserted means released'
complete -c otactl -n "__fish_otactl_using_subcommand commit" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c otactl -n "__fish_otactl_using_subcommand revert" -l port -d 'The device: /dev/ttyUSB0, COM7, ws://HOST[:PORT], http://HOST[:PORT], mqtt://[USER@]BROKER[:PORT]/DEVICE, tcp:// or udp://HOST:PORT, or `sim:`' -r
complete -c otactl -n "__fish_otactl_using_subcommand revert" -l timeout -d 'How long a call to the device may take, such as `90s`, `5m`, or plain seconds' -r
complete -c otactl -n "__fish_otactl_using_subcommand revert" -l rpc-creds -d 'User and password for a device that asks for them: USER:PASSWORD, @FILE, or - to be asked' -r
complete -c otactl -n "__fish_otactl_using_subcommand revert" -l ca-cert-file -d 'Trust the authorities in this PEM file, instead of those of the system' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand revert" -l cert-file -d 'The certificate to show to a server that asks for one, as PEM; with --key-file' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand revert" -l key-file -d 'The private key of --cert-file, as PEM' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand revert" -l baud-rate -d 'Bits per second' -r
complete -c otactl -n "__fish_otactl_using_subcommand revert" -l set-control-lines -d 'Release DTR and RTS after opening, so that the board runs' -r -f -a "true\t''
false\t''"
complete -c otactl -n "__fish_otactl_using_subcommand revert" -l serial-framing -d 'How frames are set off' -r -f -a "auto\t'As lines, unless the device turns out to be too old for that'
line\t'As lines with a CRC'
quoted\t'Between """ and """, as old firmware wants it'"
complete -c otactl -n "__fish_otactl_using_subcommand revert" -l mqtt-password-file -d 'The password for the broker, in the first line of a file; - to be asked' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand revert" -l mqtt-client-id -d 'The client id; brokers with rules want a certain one' -r
complete -c otactl -n "__fish_otactl_using_subcommand revert" -l mqtt-src -d 'Who asks: the device answers on the topic SRC/rpc' -r
complete -c otactl -n "__fish_otactl_using_subcommand revert" -l mqtt-pub-topic -d 'The one topic to publish all requests to' -r
complete -c otactl -n "__fish_otactl_using_subcommand revert" -l mqtt-sub-topic -d 'The topic on which the answers come, if it is not SRC/rpc' -r
complete -c otactl -n "__fish_otactl_using_subcommand revert" -l mqtt-will-topic -d 'Where the device\'s last will is to be read, to explain its silence' -r
complete -c otactl -n "__fish_otactl_using_subcommand revert" -l json -d 'Print results on one line, and update events as one JSON object per line'
complete -c otactl -n "__fish_otactl_using_subcommand revert" -s q -l quiet -d 'Say nothing but results and errors'
complete -c otactl -n "__fish_otactl_using_subcommand revert" -s v -l verbose -d 'Say more; twice: show every frame, without its secrets'
complete -c otactl -n "__fish_otactl_using_subcommand revert" -l insecure -d 'Take any TLS certificate'
complete -c otactl -n "__fish_otactl_using_subcommand revert" -l hw-flow-control -d 'Let RTS and CTS say when to send; XON and XOFF are obeyed in any case'
complete -c otactl -n "__fish_otactl_using_subcommand revert" -l no-set-control-lines -d 'Leave DTR and RTS as they are'
complete -c otactl -n "__fish_otactl_using_subcommand revert" -l inverted-control-lines -d 'DTR and RTS are inverted: asserted means released'
complete -c otactl -n "__fish_otactl_using_subcommand revert" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c otactl -n "__fish_otactl_using_subcommand create-snapshot" -l commit-timeout -d 'Make the running firmware uncommitted, to be committed within this time' -r
complete -c otactl -n "__fish_otactl_using_subcommand create-snapshot" -l port -d 'The device: /dev/ttyUSB0, COM7, ws://HOST[:PORT], http://HOST[:PORT], mqtt://[USER@]BROKER[:PORT]/DEVICE, tcp:// or udp://HOST:PORT, or `sim:`' -r
complete -c otactl -n "__fish_otactl_using_subcommand create-snapshot" -l timeout -d 'How long a call to the device may take, such as `90s`, `5m`, or plain seconds' -r
complete -c otactl -n "__fish_otactl_using_subcommand create-snapshot" -l rpc-creds -d 'User and password for a device that asks for them: USER:PASSWORD, @FILE, or - to be asked' -r
complete -c otactl -n "__fish_otactl_using_subcommand create-snapshot" -l ca-cert-file -d 'Trust the authorities in this PEM file, instead of those of the system' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand create-snapshot" -l cert-file -d 'The certificate to show to a server that asks for one, as PEM; with --key-file' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand create-snapshot" -l key-file -d 'The private key of --cert-file, as PEM' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand create-snapshot" -l baud-rate -d 'Bits per second' -r
complete -c otactl -n "__fish_otactl_using_subcommand create-snapshot" -l set-control-lines -d 'Release DTR and RTS after opening, so that the board runs' -r -f -a "true\t''
false\t''"
complete -c otactl -n "__fish_otactl_using_subcommand create-snapshot" -l serial-framing -d 'How frames are set off' -r -f -a "auto\t'As lines, unless the device turns out to be too old for that'
line\t'As lines with a CRC'
quoted\t'Between """ and """, as old firmware wants it'"
complete -c otactl -n "__fish_otactl_using_subcommand create-snapshot" -l mqtt-password-file -d 'The password for the broker, in the first line of a file; - to be asked' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand create-snapshot" -l mqtt-client-id -d 'The client id; brokers with rules want a certain one' -r
complete -c otactl -n "__fish_otactl_using_subcommand create-snapshot" -l mqtt-src -d 'Who asks: the device answers on the topic SRC/rpc' -r
complete -c otactl -n "__fish_otactl_using_subcommand create-snapshot" -l mqtt-pub-topic -d 'The one topic to publish all requests to' -r
complete -c otactl -n "__fish_otactl_using_subcommand create-snapshot" -l mqtt-sub-topic -d 'The topic on which the answers come, if it is not SRC/rpc' -r
complete -c otactl -n "__fish_otactl_using_subcommand create-snapshot" -l mqtt-will-topic -d 'Where the device\'s last will is to be read, to explain its silence' -r
complete -c otactl -n "__fish_otactl_using_subcommand create-snapshot" -l set-as-revert -d 'Make the copy what a rollback goes back to'
complete -c otactl -n "__fish_otactl_using_subcommand create-snapshot" -l json -d 'Print results on one line, and update events as one JSON object per line'
complete -c otactl -n "__fish_otactl_using_subcommand create-snapshot" -s q -l quiet -d 'Say nothing but results and errors'
complete -c otactl -n "__fish_otactl_using_subcommand create-snapshot" -s v -l verbose -d 'Say more; twice: show every frame, without its secrets'
complete -c otactl -n "__fish_otactl_using_subcommand create-snapshot" -l insecure -d 'Take any TLS certificate'
complete -c otactl -n "__fish_otactl_using_subcommand create-snapshot" -l hw-flow-control -d 'Let RTS and CTS say when to send; XON and XOFF are obeyed in any case'
complete -c otactl -n "__fish_otactl_using_subcommand create-snapshot" -l no-set-control-lines -d 'Leave DTR and RTS as they are'
complete -c otactl -n "__fish_otactl_using_subcommand create-snapshot" -l inverted-control-lines -d 'DTR and RTS are inverted: asserted means released'
complete -c otactl -n "__fish_otactl_using_subcommand create-snapshot" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c otactl -n "__fish_otactl_using_subcommand get-boot-state" -l port -d 'The device: /dev/ttyUSB0, COM7, ws://HOST[:PORT], http://HOST[:PORT], mqtt://[USER@]BROKER[:PORT]/DEVICE, tcp:// or udp://HOST:PORT, or `sim:`' -r
complete -c otactl -n "__fish_otactl_using_subcommand get-boot-state" -l timeout -d 'How long a call to the device may take, such as `90s`, `5m`, or plain seconds' -r
complete -c otactl -n "__fish_otactl_using_subcommand get-boot-state" -l rpc-creds -d 'User and password for a device that asks for them: USER:PASSWORD, @FILE, or - to be asked' -r
complete -c otactl -n "__fish_otactl_using_subcommand get-boot-state" -l ca-cert-file -d 'Trust the authorities in this PEM file, instead of those of the system' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand get-boot-state" -l cert-file -d 'The certificate to show to a server that asks for one, as PEM; with --key-file' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand get-boot-state" -l key-file -d 'The private key of --cert-file, as PEM' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand get-boot-state" -l baud-rate -d 'Bits per second' -r
complete -c otactl -n "__fish_otactl_using_subcommand get-boot-state" -l set-control-lines -d 'Release DTR and RTS after opening, so that the board runs' -r -f -a "true\t''
false\t''"
complete -c otactl -n "__fish_otactl_using_subcommand get-boot-state" -l serial-framing -d 'How frames are set off' -r -f -a "auto\t'As lines, unless the device turns out to be too old for that'
line\t'As lines with a CRC'
quoted\t'Between """ and """, as old firmware wants it'"
complete -c otactl -n "__fish_otactl_using_subcommand get-boot-state" -l mqtt-password-file -d 'The password for the broker, in the first line of a file; - to be asked' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand get-boot-state" -l mqtt-client-id -d 'The client id; brokers with rules want a certain one' -r
complete -c otactl -n "__fish_otactl_using_subcommand get-boot-state" -l mqtt-src -d 'Who asks: the device answers on the topic SRC/rpc' -r
complete -c otactl -n "__fish_otactl_using_subcommand get-boot-state" -l mqtt-pub-topic -d 'The one topic to publish all requests to' -r
complete -c otactl -n "__fish_otactl_using_subcommand get-boot-state" -l mqtt-sub-topic -d 'The topic on which the answers come, if it is not SRC/rpc' -r
complete -c otactl -n "__fish_otactl_using_subcommand get-boot-state" -l mqtt-will-topic -d 'Where the device\'s last will is to be read, to explain its silence' -r
complete -c otactl -n "__fish_otactl_using_subcommand get-boot-state" -l json -d 'Print results on one line, and update events as one JSON object per line'
complete -c otactl -n "__fish_otactl_using_subcommand get-boot-state" -s q -l quiet -d 'Say nothing but results and errors'
complete -c otactl -n "__fish_otactl_using_subcommand get-boot-state" -s v -l verbose -d 'Say more; twice: show every frame, without its secrets'
complete -c otactl -n "__fish_otactl_using_subcommand get-boot-state" -l insecure -d 'Take any TLS certificate'
complete -c otactl -n "__fish_otactl_using_subcommand get-boot-state" -l hw-flow-control -d 'Let RTS and CTS say when to send; XON and XOFF are obeyed in any case'
complete -c otactl -n "__fish_otactl_using_subcommand get-boot-state" -l no-set-control-lines -d 'Leave DTR and RTS as they are'
complete -c otactl -n "__fish_otactl_using_subcommand get-boot-state" -l inverted-control-lines -d 'DTR and RTS are inverted: asserted means released'
complete -c otactl -n "__fish_otactl_using_subcommand get-boot-state" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c otactl -n "__fish_otactl_using_subcommand set-boot-state" -l active-slot -d 'The slot that boots next' -r
complete -c otactl -n "__fish_otactl_using_subcommand set-boot-state" -l is-committed -d 'Whether it is committed' -r -f -a "true\t''
false\t''"
complete -c otactl -n "__fish_otactl_using_subcommand set-boot-state" -l revert-slot -d 'The slot that a rollback goes back to' -r
complete -c otactl -n "__fish_otactl_using_subcommand set-boot-state" -l commit-timeout -d 'How long after a boot the device waits for the commit' -r
complete -c otactl -n "__fish_otactl_using_subcommand set-boot-state" -l port -d 'The device: /dev/ttyUSB0, COM7, ws://HOST[:PORT], http://HOST[:PORT], mqtt://[USER@]BROKER[:PORT]/DEVICE, tcp:// or udp://HOST:PORT, or `sim:`' -r
complete -c otactl -n "__fish_otactl_using_subcommand set-boot-state" -l timeout -d 'How long a call to the device may take, such as `90s`, `5m`, or plain seconds' -r
complete -c otactl -n "__fish_otactl_using_subcommand set-boot-state" -l rpc-creds -d 'User and password for a device that asks for them: USER:PASSWORD, @FILE, or - to be asked' -r
complete -c otactl -n "__fish_otactl_using_subcommand set-boot-state" -l ca-cert-file -d 'Trust the authorities in this PEM file, instead of those of the system' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand set-boot-state" -l cert-file -d 'The certificate to show to a server that asks for one, as PEM; with --key-file' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand set-boot-state" -l key-file -d 'The private key of --cert-file, as PEM' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand set-boot-state" -l baud-rate -d 'Bits per second' -r
complete -c otactl -n "__fish_otactl_using_subcommand set-boot-state" -l set-control-lines -d 'Release DTR and RTS after opening, so that the board runs' -r -f -a "true\t''
false\t''"
complete -c otactl -n "__fish_otactl_using_subcommand set-boot-state" -l serial-framing -d 'How frames are set off' -r -f -a "auto\t'As lines, unless the device turns out to be too old for that'
line\t'As lines with a CRC'
quoted\t'Between """ and """, as old firmware wants it'"
complete -c otactl -n "__fish_otactl_using_subcommand set-boot-state" -l mqtt-password-file -d 'The password for the broker, in the first line of a file; - to be asked' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand set-boot-state" -l mqtt-client-id -d 'The client id; brokers with rules want a certain one' -r
complete -c otactl -n "__fish_otactl_using_subcommand set-boot-state" -l mqtt-src -d 'Who asks: the device answers on the topic SRC/rpc' -r
complete -c otactl -n "__fish_otactl_using_subcommand set-boot-state" -l mqtt-pub-topic -d 'The one topic to publish all requests to' -r
complete -c otactl -n "__fish_otactl_using_subcommand set-boot-state" -l mqtt-sub-topic -d 'The topic on which the answers come, if it is not SRC/rpc' -r
complete -c otactl -n "__fish_otactl_using_subcommand set-boot-state" -l mqtt-will-topic -d 'Where the device\'s last will is to be read, to explain its silence' -r
complete -c otactl -n "__fish_otactl_using_subcommand set-boot-state" -l force -d 'Also send a slot that the platform does not have'
complete -c otactl -n "__fish_otactl_using_subcommand set-boot-state" -l json -d 'Print results on one line, and update events as one JSON object per line'
complete -c otactl -n "__fish_otactl_using_subcommand set-boot-state" -s q -l quiet -d 'Say nothing but results and errors'
complete -c otactl -n "__fish_otactl_using_subcommand set-boot-state" -s v -l verbose -d 'Say more; twice: show every frame, without its secrets'
complete -c otactl -n "__fish_otactl_using_subcommand set-boot-state" -l insecure -d 'Take any TLS certificate'
complete -c otactl -n "__fish_otactl_using_subcommand set-boot-state" -l hw-flow-control -d 'Let RTS and CTS say when to send; XON and XOFF are obeyed in any case'
complete -c otactl -n "__fish_otactl_using_subcommand set-boot-state" -l no-set-control-lines -d 'Leave DTR and RTS as they are'
complete -c otactl -n "__fish_otactl_using_subcommand set-boot-state" -l inverted-control-lines -d 'DTR and RTS are inverted: asserted means released'
complete -c otactl -n "__fish_otactl_using_subcommand set-boot-state" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c otactl -n "__fish_otactl_using_subcommand status" -l port -d 'The device: /dev/ttyUSB0, COM7, ws://HOST[:PORT], http://HOST[:PORT], mqtt://[USER@]BROKER[:PORT]/DEVICE, tcp:// or udp://HOST:PORT, or `sim:`' -r
complete -c otactl -n "__fish_otactl_using_subcommand status" -l timeout -d 'How long a call to the device may take, such as `90s`, `5m`, or plain seconds' -r
complete -c otactl -n "__fish_otactl_using_subcommand status" -l rpc-creds -d 'User and password for a device that asks for them: USER:PASSWORD, @FILE, or - to be asked' -r
complete -c otactl -n "__fish_otactl_using_subcommand status" -l ca-cert-file -d 'Trust the authorities in this PEM file, instead of those of the system' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand status" -l cert-file -d 'The certificate to show to a server that asks for one, as PEM; with --key-file' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand status" -l key-file -d 'The private key of --cert-file, as PEM' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand status" -l baud-rate -d 'Bits per second' -r
complete -c otactl -n "__fish_otactl_using_subcommand status" -l set-control-lines -d 'Release DTR and RTS after opening, so that the board runs' -r -f -a "true\t''
false\t''"
complete -c otactl -n "__fish_otactl_using_subcommand status" -l serial-framing -d 'How frames are set off' -r -f -a "auto\t'As lines, unless the device turns out to be too old for that'
line\t'As lines with a CRC'
quoted\t'Between """ and """, as old firmware wants it'"
complete -c otactl -n "__fish_otactl_using_subcommand status" -l mqtt-password-file -d 'The password for the broker, in the first line of a file; - to be asked' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand status" -l mqtt-client-id -d 'The client id; brokers with rules want a certain one' -r
complete -c otactl -n "__fish_otactl_using_subcommand status" -l mqtt-src -d 'Who asks: the device answers on the topic SRC/rpc' -r
complete -c otactl -n "__fish_otactl_using_subcommand status" -l mqtt-pub-topic -d 'The one topic to publish all requests to' -r
complete -c otactl -n "__fish_otactl_using_subcommand status" -l mqtt-sub-topic -d 'The topic on which the answers come, if it is not SRC/rpc' -r
complete -c otactl -n "__fish_otactl_using_subcommand status" -l mqtt-will-topic -d 'Where the device\'s last will is to be read, to explain its silence' -r
complete -c otactl -n "__fish_otactl_using_subcommand status" -l json -d 'Print results on one line, and update events as one JSON object per line'
complete -c otactl -n "__fish_otactl_using_subcommand status" -s q -l quiet -d 'Say nothing but results and errors'
complete -c otactl -n "__fish_otactl_using_subcommand status" -s v -l verbose -d 'Say more; twice: show every frame, without its secrets'
complete -c otactl -n "__fish_otactl_using_subcommand status" -l insecure -d 'Take any TLS certificate'
complete -c otactl -n "__fish_otactl_using_subcommand status" -l hw-flow-control -d 'Let RTS and CTS say when to send; XON and XOFF are obeyed in any case'
complete -c otactl -n "__fish_otactl_using_subcommand status" -l no-set-control-lines -d 'Leave DTR and RTS as they are'
complete -c otactl -n "__fish_otactl_using_subcommand status" -l inverted-control-lines -d 'DTR and RTS are inverted: asserted means released'
complete -c otactl -n "__fish_otactl_using_subcommand status" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c otactl -n "__fish_otactl_using_subcommand call" -l port -d 'The device: /dev/ttyUSB0, COM7, ws://HOST[:PORT], http://HOST[:PORT], mqtt://[USER@]BROKER[:PORT]/DEVICE, tcp:// or udp://HOST:PORT, or `sim:`' -r
complete -c otactl -n "__fish_otactl_using_subcommand call" -l timeout -d 'How long a call to the device may take, such as `90s`, `5m`, or plain seconds' -r
complete -c otactl -n "__fish_otactl_using_subcommand call" -l rpc-creds -d 'User and password for a device that asks for them: USER:PASSWORD, @FILE, or - to be asked' -r
complete -c otactl -n "__fish_otactl_using_subcommand call" -l ca-cert-file -d 'Trust the authorities in this PEM file, instead of those of the system' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand call" -l cert-file -d 'The certificate to show to a server that asks for one, as PEM; with --key-file' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand call" -l key-file -d 'The private key of --cert-file, as PEM' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand call" -l baud-rate -d 'Bits per second' -r
complete -c otactl -n "__fish_otactl_using_subcommand call" -l set-control-lines -d 'Release DTR and RTS after opening, so that the board runs' -r -f -a "true\t''
false\t''"
complete -c otactl -n "__fish_otactl_using_subcommand call" -l serial-framing -d 'How frames are set off' -r -f -a "auto\t'As lines, unless the device turns out to be too old for that'
line\t'As lines with a CRC'
quoted\t'Between """ and """, as old firmware wants it'"
complete -c otactl -n "__fish_otactl_using_subcommand call" -l mqtt-password-file -d 'The password for the broker, in the first line of a file; - to be asked' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand call" -l mqtt-client-id -d 'The client id; brokers with rules want a certain one' -r
complete -c otactl -n "__fish_otactl_using_subcommand call" -l mqtt-src -d 'Who asks: the device answers on the topic SRC/rpc' -r
complete -c otactl -n "__fish_otactl_using_subcommand call" -l mqtt-pub-topic -d 'The one topic to publish all requests to' -r
complete -c otactl -n "__fish_otactl_using_subcommand call" -l mqtt-sub-topic -d 'The topic on which the answers come, if it is not SRC/rpc' -r
complete -c otactl -n "__fish_otactl_using_subcommand call" -l mqtt-will-topic -d 'Where the device\'s last will is to be read, to explain its silence' -r
complete -c otactl -n "__fish_otactl_using_subcommand call" -l json -d 'Print results on one line, and update events as one JSON object per line'
complete -c otactl -n "__fish_otactl_using_subcommand call" -s q -l quiet -d 'Say nothing but results and errors'
complete -c otactl -n "__fish_otactl_using_subcommand call" -s v -l verbose -d 'Say more; twice: show every frame, without its secrets'
complete -c otactl -n "__fish_otactl_using_subcommand call" -l insecure -d 'Take any TLS certificate'
complete -c otactl -n "__fish_otactl_using_subcommand call" -l hw-flow-control -d 'Let RTS and CTS say when to send; XON and XOFF are obeyed in any case'
complete -c otactl -n "__fish_otactl_using_subcommand call" -l no-set-control-lines -d 'Leave DTR and RTS as they are'
complete -c otactl -n "__fish_otactl_using_subcommand call" -l inverted-control-lines -d 'DTR and RTS are inverted: asserted means released'
complete -c otactl -n "__fish_otactl_using_subcommand call" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c otactl -n "__fish_otactl_using_subcommand list" -l port -d 'The device: /dev/ttyUSB0, COM7, ws://HOST[:PORT], http://HOST[:PORT], mqtt://[USER@]BROKER[:PORT]/DEVICE, tcp:// or udp://HOST:PORT, or `sim:`' -r
complete -c otactl -n "__fish_otactl_using_subcommand list" -l timeout -d 'How long a call to the device may take, such as `90s`, `5m`, or plain seconds' -r
complete -c otactl -n "__fish_otactl_using_subcommand list" -l rpc-creds -d 'User and password for a device that asks for them: USER:PASSWORD, @FILE, or - to be asked' -r
complete -c otactl -n "__fish_otactl_using_subcommand list" -l ca-cert-file -d 'Trust the authorities in this PEM file, instead of those of the system' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand list" -l cert-file -d 'The certificate to show to a server that asks for one, as PEM; with --key-file' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand list" -l key-file -d 'The private key of --cert-file, as PEM' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand list" -l baud-rate -d 'Bits per second' -r
complete -c otactl -n "__fish_otactl_using_subcommand list" -l set-control-lines -d 'Release DTR and RTS after opening, so that the board runs' -r -f -a "true\t''
false\t''"
complete -c otactl -n "__fish_otactl_using_subcommand list" -l serial-framing -d 'How frames are set off' -r -f -a "auto\t'As lines, unless the device turns out to be too old for that'
line\t'As lines with a CRC'
quoted\t'Between """ and """, as old firmware wants it'"
complete -c otactl -n "__fish_otactl_using_subcommand list" -l mqtt-password-file -d 'The password for the broker, in the first line of a file; - to be asked' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand list" -l mqtt-client-id -d 'The client id; brokers with rules want a certain one' -r
complete -c otactl -n "__fish_otactl_using_subcommand list" -l mqtt-src -d 'Who asks: the device answers on the topic SRC/rpc' -r
complete -c otactl -n "__fish_otactl_using_subcommand list" -l mqtt-pub-topic -d 'The one topic to publish all requests to' -r
complete -c otactl -n "__fish_otactl_using_subcommand list" -l mqtt-sub-topic -d 'The topic on which the answers come, if it is not SRC/rpc' -r
complete -c otactl -n "__fish_otactl_using_subcommand list" -l mqtt-will-topic -d 'Where the device\'s last will is to be read, to explain its silence' -r
complete -c otactl -n "__fish_otactl_using_subcommand list" -l json -d 'Print results on one line, and update events as one JSON object per line'
complete -c otactl -n "__fish_otactl_using_subcommand list" -s q -l quiet -d 'Say nothing but results and errors'
complete -c otactl -n "__fish_otactl_using_subcommand list" -s v -l verbose -d 'Say more; twice: show every frame, without its secrets'
complete -c otactl -n "__fish_otactl_using_subcommand list" -l insecure -d 'Take any TLS certificate'
complete -c otactl -n "__fish_otactl_using_subcommand list" -l hw-flow-control -d 'Let RTS and CTS say when to send; XON and XOFF are obeyed in any case'
complete -c otactl -n "__fish_otactl_using_subcommand list" -l no-set-control-lines -d 'Leave DTR and RTS as they are'
complete -c otactl -n "__fish_otactl_using_subcommand list" -l inverted-control-lines -d 'DTR and RTS are inverted: asserted means released'
complete -c otactl -n "__fish_otactl_using_subcommand list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c otactl -n "__fish_otactl_using_subcommand describe" -l port -d 'The device: /dev/ttyUSB0, COM7, ws://HOST[:PORT], http://HOST[:PORT], mqtt://[USER@]BROKER[:PORT]/DEVICE, tcp:// or udp://HOST:PORT, or `sim:`' -r
complete -c otactl -n "__fish_otactl_using_subcommand describe" -l timeout -d 'How long a call to the device may take, such as `90s`, `5m`, or plain seconds' -r
complete -c otactl -n "__fish_otactl_using_subcommand describe" -l rpc-creds -d 'User and password for a device that asks for them: USER:PASSWORD, @FILE, or - to be asked' -r
complete -c otactl -n "__fish_otactl_using_subcommand describe" -l ca-cert-file -d 'Trust the authorities in this PEM file, instead of those of the system' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand describe" -l cert-file -d 'The certificate to show to a server that asks for one, as PEM; with --key-file' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand describe" -l key-file -d 'The private key of --cert-file, as PEM' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand describe" -l baud-rate -d 'Bits per second' -r
complete -c otactl -n "__fish_otactl_using_subcommand describe" -l set-control-lines -d 'Release DTR and RTS after opening, so that the board runs' -r -f -a "true\t''
false\t''"
complete -c otactl -n "__fish_otactl_using_subcommand describe" -l serial-framing -d 'How frames are set off' -r -f -a "auto\t'As lines, unless the device turns out to be too old for that'
line\t'As lines with a CRC'
quoted\t'Between """ and """, as old firmware wants it'"
complete -c otactl -n "__fish_otactl_using_subcommand describe" -l mqtt-password-file -d 'The password for the broker, in the first line of a file; - to be asked' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand describe" -l mqtt-client-id -d 'The client id; brokers with rules want a certain one' -r
complete -c otactl -n "__fish_otactl_using_subcommand describe" -l mqtt-src -d 'Who asks: the device answers on the topic SRC/rpc' -r
complete -c otactl -n "__fish_otactl_using_subcommand describe" -l mqtt-pub-topic -d 'The one topic to publish all requests to' -r
complete -c otactl -n "__fish_otactl_using_subcommand describe" -l mqtt-sub-topic -d 'The topic on which the answers come, if it is not SRC/rpc' -r
complete -c otactl -n "__fish_otactl_using_subcommand describe" -l mqtt-will-topic -d 'Where the device\'s last will is to be read, to explain its silence' -r
complete -c otactl -n "__fish_otactl_using_subcommand describe" -l json -d 'Print results on one line, and update events as one JSON object per line'
complete -c otactl -n "__fish_otactl_using_subcommand describe" -s q -l quiet -d 'Say nothing but results and errors'
complete -c otactl -n "__fish_otactl_using_subcommand describe" -s v -l verbose -d 'Say more; twice: show every frame, without its secrets'
complete -c otactl -n "__fish_otactl_using_subcommand describe" -l insecure -d 'Take any TLS certificate'
complete -c otactl -n "__fish_otactl_using_subcommand describe" -l hw-flow-control -d 'Let RTS and CTS say when to send; XON and XOFF are obeyed in any case'
complete -c otactl -n "__fish_otactl_using_subcommand describe" -l no-set-control-lines -d 'Leave DTR and RTS as they are'
complete -c otactl -n "__fish_otactl_using_subcommand describe" -l inverted-control-lines -d 'DTR and RTS are inverted: asserted means released'
complete -c otactl -n "__fish_otactl_using_subcommand describe" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c otactl -n "__fish_otactl_using_subcommand info" -l port -d 'The device: /dev/ttyUSB0, COM7, ws://HOST[:PORT], http://HOST[:PORT], mqtt://[USER@]BROKER[:PORT]/DEVICE, tcp:// or udp://HOST:PORT, or `sim:`' -r
complete -c otactl -n "__fish_otactl_using_subcommand info" -l timeout -d 'How long a call to the device may take, such as `90s`, `5m`, or plain seconds' -r
complete -c otactl -n "__fish_otactl_using_subcommand info" -l rpc-creds -d 'User and password for a device that asks for them: USER:PASSWORD, @FILE, or - to be asked' -r
complete -c otactl -n "__fish_otactl_using_subcommand info" -l ca-cert-file -d 'Trust the authorities in this PEM file, instead of those of the system' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand info" -l cert-file -d 'The certificate to show to a server that asks for one, as PEM; with --key-file' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand info" -l key-file -d 'The private key of --cert-file, as PEM' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand info" -l baud-rate -d 'Bits per second' -r
complete -c otactl -n "__fish_otactl_using_subcommand info" -l set-control-lines -d 'Release DTR and RTS after opening, so that the board runs' -r -f -a "true\t''
false\t''"
complete -c otactl -n "__fish_otactl_using_subcommand info" -l serial-framing -d 'How frames are set off' -r -f -a "auto\t'As lines, unless the device turns out to be too old for that'
line\t'As lines with a CRC'
quoted\t'Between """ and """, as old firmware wants it'"
complete -c otactl -n "__fish_otactl_using_subcommand info" -l mqtt-password-file -d 'The password for the broker, in the first line of a file; - to be asked' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand info" -l mqtt-client-id -d 'The client id; brokers with rules want a certain one' -r
complete -c otactl -n "__fish_otactl_using_subcommand info" -l mqtt-src -d 'Who asks: the device answers on the topic SRC/rpc' -r
complete -c otactl -n "__fish_otactl_using_subcommand info" -l mqtt-pub-topic -d 'The one topic to publish all requests to' -r
complete -c otactl -n "__fish_otactl_using_subcommand info" -l mqtt-sub-topic -d 'The topic on which the answers come, if it is not SRC/rpc' -r
complete -c otactl -n "__fish_otactl_using_subcommand info" -l mqtt-will-topic -d 'Where the device\'s last will is to be read, to explain its silence' -r
complete -c otactl -n "__fish_otactl_using_subcommand info" -l json -d 'Print results on one line, and update events as one JSON object per line'
complete -c otactl -n "__fish_otactl_using_subcommand info" -s q -l quiet -d 'Say nothing but results and errors'
complete -c otactl -n "__fish_otactl_using_subcommand info" -s v -l verbose -d 'Say more; twice: show every frame, without its secrets'
complete -c otactl -n "__fish_otactl_using_subcommand info" -l insecure -d 'Take any TLS certificate'
complete -c otactl -n "__fish_otactl_using_subcommand info" -l hw-flow-control -d 'Let RTS and CTS say when to send; XON and XOFF are obeyed in any case'
complete -c otactl -n "__fish_otactl_using_subcommand info" -l no-set-control-lines -d 'Leave DTR and RTS as they are'
complete -c otactl -n "__fish_otactl_using_subcommand info" -l inverted-control-lines -d 'DTR and RTS are inverted: asserted means released'
complete -c otactl -n "__fish_otactl_using_subcommand info" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c otactl -n "__fish_otactl_using_subcommand ping" -l port -d 'The device: /dev/ttyUSB0, COM7, ws://HOST[:PORT], http://HOST[:PORT], mqtt://[USER@]BROKER[:PORT]/DEVICE, tcp:// or udp://HOST:PORT, or `sim:`' -r
complete -c otactl -n "__fish_otactl_using_subcommand ping" -l timeout -d 'How long a call to the device may take, such as `90s`, `5m`, or plain seconds' -r
complete -c otactl -n "__fish_otactl_using_subcommand ping" -l rpc-creds -d 'User and password for a device that asks for them: USER:PASSWORD, @FILE, or - to be asked' -r
complete -c otactl -n "__fish_otactl_using_subcommand ping" -l ca-cert-file -d 'Trust the authorities in this PEM file, instead of those of the system' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand ping" -l cert-file -d 'The certificate to show to a server that asks for one, as PEM; with --key-file' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand ping" -l key-file -d 'The private key of --cert-file, as PEM' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand ping" -l baud-rate -d 'Bits per second' -r
complete -c otactl -n "__fish_otactl_using_subcommand ping" -l set-control-lines -d 'Release DTR and RTS after opening, so that the board runs' -r -f -a "true\t''
false\t''"
complete -c otactl -n "__fish_otactl_using_subcommand ping" -l serial-framing -d 'How frames are set off' -r -f -a "auto\t'As lines, unless the device turns out to be too old for that'
line\t'As lines with a CRC'
quoted\t'Between """ and """, as old firmware wants it'"
complete -c otactl -n "__fish_otactl_using_subcommand ping" -l mqtt-password-file -d 'The password for the broker, in the first line of a file; - to be asked' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand ping" -l mqtt-client-id -d 'The client id; brokers with rules want a certain one' -r
complete -c otactl -n "__fish_otactl_using_subcommand ping" -l mqtt-src -d 'Who asks: the device answers on the topic SRC/rpc' -r
complete -c otactl -n "__fish_otactl_using_subcommand ping" -l mqtt-pub-topic -d 'The one topic to publish all requests to' -r
complete -c otactl -n "__fish_otactl_using_subcommand ping" -l mqtt-sub-topic -d 'The topic on which the answers come, if it is not SRC/rpc' -r
complete -c otactl -n "__fish_otactl_using_subcommand ping" -l mqtt-will-topic -d 'Where the device\'s last will is to be read, to explain its silence' -r
complete -c otactl -n "__fish_otactl_using_subcommand ping" -l json -d 'Print results on one line, and update events as one JSON object per line'
complete -c otactl -n "__fish_otactl_using_subcommand ping" -s q -l quiet -d 'Say nothing but results and errors'
complete -c otactl -n "__fish_otactl_using_subcommand ping" -s v -l verbose -d 'Say more; twice: show every frame, without its secrets'
complete -c otactl -n "__fish_otactl_using_subcommand ping" -l insecure -d 'Take any TLS certificate'
complete -c otactl -n "__fish_otactl_using_subcommand ping" -l hw-flow-control -d 'Let RTS and CTS say when to send; XON and XOFF are obeyed in any case'
complete -c otactl -n "__fish_otactl_using_subcommand ping" -l no-set-control-lines -d 'Leave DTR and RTS as they are'
complete -c otactl -n "__fish_otactl_using_subcommand ping" -l inverted-control-lines -d 'DTR and RTS are inverted: asserted means released'
complete -c otactl -n "__fish_otactl_using_subcommand ping" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c otactl -n "__fish_otactl_using_subcommand reboot" -l delay-ms -d 'Milliseconds from the device\'s answer to the reboot' -r
complete -c otactl -n "__fish_otactl_using_subcommand reboot" -l port -d 'The device: /dev/ttyUSB0, COM7, ws://HOST[:PORT], http://HOST[:PORT], mqtt://[USER@]BROKER[:PORT]/DEVICE, tcp:// or udp://HOST:PORT, or `sim:`' -r
complete -c otactl -n "__fish_otactl_using_subcommand reboot" -l timeout -d 'How long a call to the device may take, such as `90s`, `5m`, or plain seconds' -r
complete -c otactl -n "__fish_otactl_using_subcommand reboot" -l rpc-creds -d 'User and password for a device that asks for them: USER:PASSWORD, @FILE, or - to be asked' -r
complete -c otactl -n "__fish_otactl_using_subcommand reboot" -l ca-cert-file -d 'Trust the authorities in this PEM file, instead of those of the system' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand reboot" -l cert-file -d 'The certificate to show to a server that asks for one, as PEM; with --key-file' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand reboot" -l key-file -d 'The private key of --cert-file, as PEM' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand reboot" -l baud-rate -d 'Bits per second' -r
complete -c otactl -n "__fish_otactl_using_subcommand reboot" -l set-control-lines -d 'Release DTR and RTS after opening, so that the board runs' -r -f -a "true\t''
false\t''"
complete -c otactl -n "__fish_otactl_using_subcommand reboot" -l serial-framing -d 'How frames are set off' -r -f -a "auto\t'As lines, unless the device turns out to be too old for that'
line\t'As lines with a CRC'
quoted\t'Between """ and """, as old firmware wants it'"
complete -c otactl -n "__fish_otactl_using_subcommand reboot" -l mqtt-password-file -d 'The password for the broker, in the first line of a file; - to be asked' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand reboot" -l mqtt-client-id -d 'The client id; brokers with rules want a certain one' -r
complete -c otactl -n "__fish_otactl_using_subcommand reboot" -l mqtt-src -d 'Who asks: the device answers on the topic SRC/rpc' -r
complete -c otactl -n "__fish_otactl_using_subcommand reboot" -l mqtt-pub-topic -d 'The one topic to publish all requests to' -r
complete -c otactl -n "__fish_otactl_using_subcommand reboot" -l mqtt-sub-topic -d 'The topic on which the answers come, if it is not SRC/rpc' -r
complete -c otactl -n "__fish_otactl_using_subcommand reboot" -l mqtt-will-topic -d 'Where the device\'s last will is to be read, to explain its silence' -r
complete -c otactl -n "__fish_otactl_using_subcommand reboot" -l force -d 'Reboot even if that is a rollback'
complete -c otactl -n "__fish_otactl_using_subcommand reboot" -l json -d 'Print results on one line, and update events as one JSON object per line'
complete -c otactl -n "__fish_otactl_using_subcommand reboot" -s q -l quiet -d 'Say nothing but results and errors'
complete -c otactl -n "__fish_otactl_using_subcommand reboot" -s v -l verbose -d 'Say more; twice: show every frame, without its secrets'
complete -c otactl -n "__fish_otactl_using_subcommand reboot" -l insecure -d 'Take any TLS certificate'
complete -c otactl -n "__fish_otactl_using_subcommand reboot" -l hw-flow-control -d 'Let RTS and CTS say when to send; XON and XOFF are obeyed in any case'
complete -c otactl -n "__fish_otactl_using_subcommand reboot" -l no-set-control-lines -d 'Leave DTR and RTS as they are'
complete -c otactl -n "__fish_otactl_using_subcommand reboot" -l inverted-control-lines -d 'DTR and RTS are inverted: asserted means released'
complete -c otactl -n "__fish_otactl_using_subcommand reboot" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c otactl -n "__fish_otactl_using_subcommand simulate" -l listen -d 'Where it listens' -r
complete -c otactl -n "__fish_otactl_using_subcommand simulate" -l tcp -d 'Where it listens for plain TCP' -r
complete -c otactl -n "__fish_otactl_using_subcommand simulate" -l udp -d 'Where it listens for UDP' -r
complete -c otactl -n "__fish_otactl_using_subcommand simulate" -l mqtt -d 'Let it be a client of this broker: mqtt://[USER:PASSWORD@]BROKER[:PORT]/DEVICE' -r
complete -c otactl -n "__fish_otactl_using_subcommand simulate" -l mqtt-generation -d 'The age of its MQTT library' -r -f -a "twice\t'Since 2021-06: runs what comes on DEVICE/rpc twice'
single\t'Before: runs everything once'
plain\t'Does not listen on DEVICE/rpc/METHOD'"
complete -c otactl -n "__fish_otactl_using_subcommand simulate" -l tls -d 'Where it listens for WebSocket and HTTP over TLS; with --tls-cert and --tls-key' -r
complete -c otactl -n "__fish_otactl_using_subcommand simulate" -l tls-cert -d 'Its certificate for --tls, as PEM, with those that lead to its authority' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand simulate" -l tls-key -d 'The private key of --tls-cert, as PEM' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand simulate" -l generation -d 'Generation of the device\'s OTA service' -r -f -a "2018\t'Pull only; a lost connection ends the download'
2019\t'Pull (needs a licence; resumes after a lost connection) and push'
2022\t'As 2019, with stricter checks of a bundle'"
complete -c otactl -n "__fish_otactl_using_subcommand simulate" -l id -d 'Its id' -r
complete -c otactl -n "__fish_otactl_using_subcommand simulate" -l platform -d 'Its platform' -r
complete -c otactl -n "__fish_otactl_using_subcommand simulate" -l reboot-delay -d 'How long a reboot takes' -r
complete -c otactl -n "__fish_otactl_using_subcommand simulate" -l auth -d 'Let in only who knows these: USER:PASSWORD[:REALM]' -r
complete -c otactl -n "__fish_otactl_using_subcommand simulate" -l auth-algo -d 'The hash of its challenges' -r -f -a "md5\t''
sha-256\t''"
complete -c otactl -n "__fish_otactl_using_subcommand simulate" -l state -d 'Where to keep its flash; without it, every start is from the factory' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand simulate" -l fault -d 'Let something go wrong; may be given many times' -r
complete -c otactl -n "__fish_otactl_using_subcommand simulate" -l port -d 'The device: /dev/ttyUSB0, COM7, ws://HOST[:PORT], http://HOST[:PORT], mqtt://[USER@]BROKER[:PORT]/DEVICE, tcp:// or udp://HOST:PORT, or `sim:`' -r
complete -c otactl -n "__fish_otactl_using_subcommand simulate" -l timeout -d 'How long a call to the device may take, such as `90s`, `5m`, or plain seconds' -r
complete -c otactl -n "__fish_otactl_using_subcommand simulate" -l rpc-creds -d 'User and password for a device that asks for them: USER:PASSWORD, @FILE, or - to be asked' -r
complete -c otactl -n "__fish_otactl_using_subcommand simulate" -l ca-cert-file -d 'Trust the authorities in this PEM file, instead of those of the system' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand simulate" -l cert-file -d 'The certificate to show to a server that asks for one, as PEM; with --key-file' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand simulate" -l key-file -d 'The private key of --cert-file, as PEM' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand simulate" -l baud-rate -d 'Bits per second' -r
complete -c otactl -n "__fish_otactl_using_subcommand simulate" -l set-control-lines -d 'Release DTR and RTS after opening, so that the board runs' -r -f -a "true\t''
false\t''"
complete -c otactl -n "__fish_otactl_using_subcommand simulate" -l serial-framing -d 'How frames are set off' -r -f -a "auto\t'As lines, unless the device turns out to be too old for that'
line\t'As lines with a CRC'
quoted\t'Between """ and """, as old firmware wants it'"
complete -c otactl -n "__fish_otactl_using_subcommand simulate" -l mqtt-password-file -d 'The password for the broker, in the first line of a file; - to be asked' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand simulate" -l mqtt-client-id -d 'The client id; brokers with rules want a certain one' -r
complete -c otactl -n "__fish_otactl_using_subcommand simulate" -l mqtt-src -d 'Who asks: the device answers on the topic SRC/rpc' -r
complete -c otactl -n "__fish_otactl_using_subcommand simulate" -l mqtt-pub-topic -d 'The one topic to publish all requests to' -r
complete -c otactl -n "__fish_otactl_using_subcommand simulate" -l mqtt-sub-topic -d 'The topic on which the answers come, if it is not SRC/rpc' -r
complete -c otactl -n "__fish_otactl_using_subcommand simulate" -l mqtt-will-topic -d 'Where the device\'s last will is to be read, to explain its silence' -r
complete -c otactl -n "__fish_otactl_using_subcommand simulate" -l serial -d 'Serve it on a serial port too, with --baud-rate, and say where that is'
complete -c otactl -n "__fish_otactl_using_subcommand simulate" -l console-noise -d 'Let its console speak between the frames on the serial port'
complete -c otactl -n "__fish_otactl_using_subcommand simulate" -l unlicensed -d 'Refuse every URL, as a device without a licence does; no effect with --generation 2018'
complete -c otactl -n "__fish_otactl_using_subcommand simulate" -l json -d 'Print results on one line, and update events as one JSON object per line'
complete -c otactl -n "__fish_otactl_using_subcommand simulate" -s q -l quiet -d 'Say nothing but results and errors'
complete -c otactl -n "__fish_otactl_using_subcommand simulate" -s v -l verbose -d 'Say more; twice: show every frame, without its secrets'
complete -c otactl -n "__fish_otactl_using_subcommand simulate" -l insecure -d 'Take any TLS certificate'
complete -c otactl -n "__fish_otactl_using_subcommand simulate" -l hw-flow-control -d 'Let RTS and CTS say when to send; XON and XOFF are obeyed in any case'
complete -c otactl -n "__fish_otactl_using_subcommand simulate" -l no-set-control-lines -d 'Leave DTR and RTS as they are'
complete -c otactl -n "__fish_otactl_using_subcommand simulate" -l inverted-control-lines -d 'DTR and RTS are inverted: asserted means released'
complete -c otactl -n "__fish_otactl_using_subcommand simulate" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c otactl -n "__fish_otactl_using_subcommand help; and not __fish_seen_subcommand_from update wait commit revert create-snapshot get-boot-state set-boot-state status call list describe info ping reboot simulate help" -f -a "update" -d 'Take the device to a new firmware, prove that it runs, and commit it'
complete -c otactl -n "__fish_otactl_using_subcommand help; and not __fish_seen_subcommand_from update wait commit revert create-snapshot get-boot-state set-boot-state status call list describe info ping reboot simulate help" -f -a "wait" -d 'Wait until the device is in a state, and say when it is'
complete -c otactl -n "__fish_otactl_using_subcommand help; and not __fish_seen_subcommand_from update wait commit revert create-snapshot get-boot-state set-boot-state status call list describe info ping reboot simulate help" -f -a "commit" -d 'Keep the firmware that runs (OTA.Commit)'
complete -c otactl -n "__fish_otactl_using_subcommand help; and not __fish_seen_subcommand_from update wait commit revert create-snapshot get-boot-state set-boot-state status call list describe info ping reboot simulate help" -f -a "revert" -d 'Go back to the firmware that ran before, by a reboot (OTA.Revert)'
complete -c otactl -n "__fish_otactl_using_subcommand help; and not __fish_seen_subcommand_from update wait commit revert create-snapshot get-boot-state set-boot-state status call list describe info ping reboot simulate help" -f -a "create-snapshot" -d 'Copy the running firmware to the other slot (OTA.CreateSnapshot)'
complete -c otactl -n "__fish_otactl_using_subcommand help; and not __fish_seen_subcommand_from update wait commit revert create-snapshot get-boot-state set-boot-state status call list describe info ping reboot simulate help" -f -a "get-boot-state" -d 'Show which slot runs, and whether it is committed (OTA.GetBootState)'
complete -c otactl -n "__fish_otactl_using_subcommand help; and not __fish_seen_subcommand_from update wait commit revert create-snapshot get-boot-state set-boot-state status call list describe info ping reboot simulate help" -f -a "set-boot-state" -d 'Set some fields of the boot state (OTA.SetBootState)'
complete -c otactl -n "__fish_otactl_using_subcommand help; and not __fish_seen_subcommand_from update wait commit revert create-snapshot get-boot-state set-boot-state status call list describe info ping reboot simulate help" -f -a "status" -d 'Show how far an update is (OTA.Status)'
complete -c otactl -n "__fish_otactl_using_subcommand help; and not __fish_seen_subcommand_from update wait commit revert create-snapshot get-boot-state set-boot-state status call list describe info ping reboot simulate help" -f -a "call" -d 'Call any method of the device'
complete -c otactl -n "__fish_otactl_using_subcommand help; and not __fish_seen_subcommand_from update wait commit revert create-snapshot get-boot-state set-boot-state status call list describe info ping reboot simulate help" -f -a "list" -d 'List the methods of the device (RPC.List)'
complete -c otactl -n "__fish_otactl_using_subcommand help; and not __fish_seen_subcommand_from update wait commit revert create-snapshot get-boot-state set-boot-state status call list describe info ping reboot simulate help" -f -a "describe" -d 'Show the arguments of a method (RPC.Describe)'
complete -c otactl -n "__fish_otactl_using_subcommand help; and not __fish_seen_subcommand_from update wait commit revert create-snapshot get-boot-state set-boot-state status call list describe info ping reboot simulate help" -f -a "info" -d 'Show what the device is and what it runs (Sys.GetInfo)'
complete -c otactl -n "__fish_otactl_using_subcommand help; and not __fish_seen_subcommand_from update wait commit revert create-snapshot get-boot-state set-boot-state status call list describe info ping reboot simulate help" -f -a "ping" -d 'Ask whether the device is there (RPC.Ping)'
complete -c otactl -n "__fish_otactl_using_subcommand help; and not __fish_seen_subcommand_from update wait commit revert create-snapshot get-boot-state set-boot-state status call list describe info ping reboot simulate help" -f -a "reboot" -d 'Reboot the device (Sys.Reboot)'
complete -c otactl -n "__fish_otactl_using_subcommand help; and not __fish_seen_subcommand_from update wait commit revert create-snapshot get-boot-state set-boot-state status call list describe info ping reboot simulate help" -f -a "simulate" -d 'Run a simulated device, over WebSocket, HTTP, TLS, TCP, UDP, MQTT and a serial port, until Ctrl-C'
complete -c otactl -n "__fish_otactl_using_subcommand help; and not __fish_seen_subcommand_from update wait commit revert create-snapshot get-boot-state set-boot-state status call list describe info ping reboot simulate help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
