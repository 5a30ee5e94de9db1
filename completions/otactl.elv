
use builtin;
use str;

set edit:completion:arg-completer[otactl] = {|@words|
    fn spaces {|n|
        builtin:repeat $n ' ' | str:join ''
    }
    fn cand {|text desc|
        edit:complex-candidate $text &display=$text' '(spaces (- 14 (wcswidth $text)))$desc
    }
    var command = 'otactl'
    for word $words[1..-1] {
        if (str:has-prefix $word '-') {
            break
        }
        set command = $command';'$word
    }
    var completions = [
        &'otactl'= {
            cand --port 'The device: /dev/ttyUSB0, COM7, ws://HOST[:PORT], http://HOST[:PORT], tcp:// or udp://HOST:PORT, or `sim:`'
            cand --timeout 'How long a call to the device may take, such as `90s`, `5m`, or plain seconds'
            cand --rpc-creds 'User and password for a device that asks for them: USER:PASSWORD, @FILE, or - to be asked'
            cand --baud-rate 'Bits per second'
            cand --set-control-lines 'Release DTR and RTS after opening, so that the board runs'
            cand --serial-framing 'How frames are set off'
            cand --insecure 'Take any TLS certificate'
            cand --json 'Print results on one line, and update events as one JSON object per line'
            cand -q 'Say nothing but results and errors'
            cand --quiet 'Say nothing but results and errors'
            cand -v 'Say more; twice: show every frame, without its secrets'
            cand --verbose 'Say more; twice: show every frame, without its secrets'
            cand --hw-flow-control 'Let RTS and CTS say when to send; XON and XOFF are obeyed in any case'
            cand --no-set-control-lines 'Leave DTR and RTS as they are'
            cand --inverted-control-lines 'DTR and RTS are inverted: asserted means released'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
            cand update 'Take the device to a new firmware, prove that it runs, and commit it'
            cand commit 'Keep the firmware that runs (OTA.Commit)'
            cand revert 'Go back to the firmware that ran before, by a reboot (OTA.Revert)'
            cand create-snapshot 'Copy the running firmware to the other slot (OTA.CreateSnapshot)'
            cand get-boot-state 'Show which slot runs, and whether it is committed (OTA.GetBootState)'
            cand set-boot-state 'Set some fields of the boot state (OTA.SetBootState)'
            cand status 'Show how far an update is (OTA.Status)'
            cand call 'Call any method of the device'
            cand list 'List the methods of the device (RPC.List)'
            cand describe 'Show the arguments of a method (RPC.Describe)'
            cand info 'Show what the device is and what it runs (Sys.GetInfo)'
            cand ping 'Ask whether the device is there (RPC.Ping)'
            cand reboot 'Reboot the device (Sys.Reboot)'
            cand simulate 'Run a simulated device, over WebSocket, HTTP, TCP, UDP and a serial port, until Ctrl-C'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'otactl;update'= {
            cand --url 'A URL from which the device fetches the firmware by itself'
            cand --commit-timeout 'How long after its reboot the device waits for the commit before it goes back'
            cand --download-timeout 'How long the device may take to fetch and write the firmware'
            cand --reboot-timeout 'How long the device may take from the download to its first answer after the reboot'
            cand --listen 'Where to serve the firmware: ADDRESS:PORT, ADDRESS or :PORT'
            cand --advertise 'Under which host, and port if it differs, the device reaches this machine'
            cand --port 'The device: /dev/ttyUSB0, COM7, ws://HOST[:PORT], http://HOST[:PORT], tcp:// or udp://HOST:PORT, or `sim:`'
            cand --timeout 'How long a call to the device may take, such as `90s`, `5m`, or plain seconds'
            cand --rpc-creds 'User and password for a device that asks for them: USER:PASSWORD, @FILE, or - to be asked'
            cand --baud-rate 'Bits per second'
            cand --set-control-lines 'Release DTR and RTS after opening, so that the board runs'
            cand --serial-framing 'How frames are set off'
            cand --no-commit 'Leave the new firmware uncommitted, and say until when'
            cand --dry-run 'Say what would be done, and touch nothing'
            cand --force 'Install another app than the one that runs, or offer the device the build that it runs already'
            cand --insecure 'Take any TLS certificate'
            cand --json 'Print results on one line, and update events as one JSON object per line'
            cand -q 'Say nothing but results and errors'
            cand --quiet 'Say nothing but results and errors'
            cand -v 'Say more; twice: show every frame, without its secrets'
            cand --verbose 'Say more; twice: show every frame, without its secrets'
            cand --hw-flow-control 'Let RTS and CTS say when to send; XON and XOFF are obeyed in any case'
            cand --no-set-control-lines 'Leave DTR and RTS as they are'
            cand --inverted-control-lines 'DTR and RTS are inverted: asserted means released'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'otactl;commit'= {
            cand --port 'The device: /dev/ttyUSB0, COM7, ws://HOST[:PORT], http://HOST[:PORT], tcp:// or udp://HOST:PORT, or `sim:`'
            cand --timeout 'How long a call to the device may take, such as `90s`, `5m`, or plain seconds'
            cand --rpc-creds 'User and password for a device that asks for them: USER:PASSWORD, @FILE, or - to be asked'
            cand --baud-rate 'Bits per second'
            cand --set-control-lines 'Release DTR and RTS after opening, so that the board runs'
            cand --serial-framing 'How frames are set off'
            cand --insecure 'Take any TLS certificate'
            cand --json 'Print results on one line, and update events as one JSON object per line'
            cand -q 'Say nothing but results and errors'
            cand --quiet 'Say nothing but results and errors'
            cand -v 'Say more; twice: show every frame, without its secrets'
            cand --verbose 'Say more; twice: show every frame, without its secrets'
            cand --hw-flow-control 'Let RTS and CTS say when to send; XON and XOFF are obeyed in any case'
            cand --no-set-control-lines 'Leave DTR and RTS as they are'
            cand --inverted-control-lines 'DTR and RTS are inverted: asserted means released'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'otactl;revert'= {
            cand --port 'The device: /dev/ttyUSB0, COM7, ws://HOST[:PORT], http://HOST[:PORT], tcp:// or udp://HOST:PORT, or `sim:`'
            cand --timeout 'How long a call to the device may take, such as `90s`, `5m`, or plain seconds'
            cand --rpc-creds 'User and password for a device that asks for them: USER:PASSWORD, @FILE, or - to be asked'
            cand --baud-rate 'Bits per second'
            cand --set-control-lines 'Release DTR and RTS after opening, so that the board runs'
            cand --serial-framing 'How frames are set off'
            cand --insecure 'Take any TLS certificate'
            cand --json 'Print results on one line, and update events as one JSON object per line'
            cand -q 'Say nothing but results and errors'
            cand --quiet 'Say nothing but results and errors'
            cand -v 'Say more; twice: show every frame, without its secrets'
            cand --verbose 'Say more; twice: show every frame, without its secrets'
            cand --hw-flow-control 'Let RTS and CTS say when to send; XON and XOFF are obeyed in any case'
            cand --no-set-control-lines 'Leave DTR and RTS as they are'
            cand --inverted-control-lines 'DTR and RTS are inverted: asserted means released'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'otactl;create-snapshot'= {
            cand --commit-timeout 'Make the running firmware uncommitted, to be committed within this time'
            cand --port 'The device: /dev/ttyUSB0, COM7, ws://HOST[:PORT], http://HOST[:PORT], tcp:// or udp://HOST:PORT, or `sim:`'
            cand --timeout 'How long a call to the device may take, such as `90s`, `5m`, or plain seconds'
            cand --rpc-creds 'User and password for a device that asks for them: USER:PASSWORD, @FILE, or - to be asked'
            cand --baud-rate 'Bits per second'
            cand --set-control-lines 'Release DTR and RTS after opening, so that the board runs'
            cand --serial-framing 'How frames are set off'
            cand --set-as-revert 'Make the copy what a rollback goes back to'
            cand --insecure 'Take any TLS certificate'
            cand --json 'Print results on one line, and update events as one JSON object per line'
            cand -q 'Say nothing but results and errors'
            cand --quiet 'Say nothing but results and errors'
            cand -v 'Say more; twice: show every frame, without its secrets'
            cand --verbose 'Say more; twice: show every frame, without its secrets'
            cand --hw-flow-control 'Let RTS and CTS say when to send; XON and XOFF are obeyed in any case'
            cand --no-set-control-lines 'Leave DTR and RTS as they are'
            cand --inverted-control-lines 'DTR and RTS are inverted: asserted means released'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'otactl;get-boot-state'= {
            cand --port 'The device: /dev/ttyUSB0, COM7, ws://HOST[:PORT], http://HOST[:PORT], tcp:// or udp://HOST:PORT, or `sim:`'
            cand --timeout 'How long a call to the device may take, such as `90s`, `5m`, or plain seconds'
            cand --rpc-creds 'User and password for a device that asks for them: USER:PASSWORD, @FILE, or - to be asked'
            cand --baud-rate 'Bits per second'
            cand --set-control-lines 'Release DTR and RTS after opening, so that the board runs'
            cand --serial-framing 'How frames are set off'
            cand --insecure 'Take any TLS certificate'
            cand --json 'Print results on one line, and update events as one JSON object per line'
            cand -q 'Say nothing but results and errors'
            cand --quiet 'Say nothing but results and errors'
            cand -v 'Say more; twice: show every frame, without its secrets'
            cand --verbose 'Say more; twice: show every frame, without its secrets'
            cand --hw-flow-control 'Let RTS and CTS say when to send; XON and XOFF are obeyed in any case'
            cand --no-set-control-lines 'Leave DTR and RTS as they are'
            cand --inverted-control-lines 'DTR and RTS are inverted: asserted means released'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'otactl;set-boot-state'= {
            cand --active-slot 'The slot that boots next'
            cand --is-committed 'Whether it is committed'
            cand --revert-slot 'The slot that a rollback goes back to'
            cand --commit-timeout 'How long after a boot the device waits for the commit'
            cand --port 'The device: /dev/ttyUSB0, COM7, ws://HOST[:PORT], http://HOST[:PORT], tcp:// or udp://HOST:PORT, or `sim:`'
            cand --timeout 'How long a call to the device may take, such as `90s`, `5m`, or plain seconds'
            cand --rpc-creds 'User and password for a device that asks for them: USER:PASSWORD, @FILE, or - to be asked'
            cand --baud-rate 'Bits per second'
            cand --set-control-lines 'Release DTR and RTS after opening, so that the board runs'
            cand --serial-framing 'How frames are set off'
            cand --insecure 'Take any TLS certificate'
            cand --json 'Print results on one line, and update events as one JSON object per line'
            cand -q 'Say nothing but results and errors'
            cand --quiet 'Say nothing but results and errors'
            cand -v 'Say more; twice: show every frame, without its secrets'
            cand --verbose 'Say more; twice: show every frame, without its secrets'
            cand --hw-flow-control 'Let RTS and CTS say when to send; XON and XOFF are obeyed in any case'
            cand --no-set-control-lines 'Leave DTR and RTS as they are'
            cand --inverted-control-lines 'DTR and RTS are inverted: asserted means released'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'otactl;status'= {
            cand --port 'The device: /dev/ttyUSB0, COM7, ws://HOST[:PORT], http://HOST[:PORT], tcp:// or udp://HOST:PORT, or `sim:`'
            cand --timeout 'How long a call to the device may take, such as `90s`, `5m`, or plain seconds'
            cand --rpc-creds 'User and password for a device that asks for them: USER:PASSWORD, @FILE, or - to be asked'
            cand --baud-rate 'Bits per second'
            cand --set-control-lines 'Release DTR and RTS after opening, so that the board runs'
            cand --serial-framing 'How frames are set off'
            cand --insecure 'Take any TLS certificate'
            cand --json 'Print results on one line, and update events as one JSON object per line'
            cand -q 'Say nothing but results and errors'
            cand --quiet 'Say nothing but results and errors'
            cand -v 'Say more; twice: show every frame, without its secrets'
            cand --verbose 'Say more; twice: show every frame, without its secrets'
            cand --hw-flow-control 'Let RTS and CTS say when to send; XON and XOFF are obeyed in any case'
            cand --no-set-control-lines 'Leave DTR and RTS as they are'
            cand --inverted-control-lines 'DTR and RTS are inverted: asserted means released'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'otactl;call'= {
            cand --port 'The device: /dev/ttyUSB0, COM7, ws://HOST[:PORT], http://HOST[:PORT], tcp:// or udp://HOST:PORT, or `sim:`'
            cand --timeout 'How long a call to the device may take, such as `90s`, `5m`, or plain seconds'
            cand --rpc-creds 'User and password for a device that asks for them: USER:PASSWORD, @FILE, or - to be asked'
            cand --baud-rate 'Bits per second'
            cand --set-control-lines 'Release DTR and RTS after opening, so that the board runs'
            cand --serial-framing 'How frames are set off'
            cand --insecure 'Take any TLS certificate'
            cand --json 'Print results on one line, and update events as one JSON object per line'
            cand -q 'Say nothing but results and errors'
            cand --quiet 'Say nothing but results and errors'
            cand -v 'Say more; twice: show every frame, without its secrets'
            cand --verbose 'Say more; twice: show every frame, without its secrets'
            cand --hw-flow-control 'Let RTS and CTS say when to send; XON and XOFF are obeyed in any case'
            cand --no-set-control-lines 'Leave DTR and RTS as they are'
            cand --inverted-control-lines 'DTR and RTS are inverted: asserted means released'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'otactl;list'= {
            cand --port 'The device: /dev/ttyUSB0, COM7, ws://HOST[:PORT], http://HOST[:PORT], tcp:// or udp://HOST:PORT, or `sim:`'
            cand --timeout 'How long a call to the device may take, such as `90s`, `5m`, or plain seconds'
            cand --rpc-creds 'User and password for a device that asks for them: USER:PASSWORD, @FILE, or - to be asked'
            cand --baud-rate 'Bits per second'
            cand --set-control-lines 'Release DTR and RTS after opening, so that the board runs'
            cand --serial-framing 'How frames are set off'
            cand --insecure 'Take any TLS certificate'
            cand --json 'Print results on one line, and update events as one JSON object per line'
            cand -q 'Say nothing but results and errors'
            cand --quiet 'Say nothing but results and errors'
            cand -v 'Say more; twice: show every frame, without its secrets'
            cand --verbose 'Say more; twice: show every frame, without its secrets'
            cand --hw-flow-control 'Let RTS and CTS say when to send; XON and XOFF are obeyed in any case'
            cand --no-set-control-lines 'Leave DTR and RTS as they are'
            cand --inverted-control-lines 'DTR and RTS are inverted: asserted means released'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'otactl;describe'= {
            cand --port 'The device: /dev/ttyUSB0, COM7, ws://HOST[:PORT], http://HOST[:PORT], tcp:// or udp://HOST:PORT, or `sim:`'
            cand --timeout 'How long a call to the device may take, such as `90s`, `5m`, or plain seconds'
            cand --rpc-creds 'User and password for a device that asks for them: USER:PASSWORD, @FILE, or - to be asked'
            cand --baud-rate 'Bits per second'
            cand --set-control-lines 'Release DTR and RTS after opening, so that the board runs'
            cand --serial-framing 'How frames are set off'
            cand --insecure 'Take any TLS certificate'
            cand --json 'Print results on one line, and update events as one JSON object per line'
            cand -q 'Say nothing but results and errors'
            cand --quiet 'Say nothing but results and errors'
            cand -v 'Say more; twice: show every frame, without its secrets'
            cand --verbose 'Say more; twice: show every frame, without its secrets'
            cand --hw-flow-control 'Let RTS and CTS say when to send; XON and XOFF are obeyed in any case'
            cand --no-set-control-lines 'Leave DTR and RTS as they are'
            cand --inverted-control-lines 'DTR and RTS are inverted: asserted means released'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'otactl;info'= {
            cand --port 'The device: /dev/ttyUSB0, COM7, ws://HOST[:PORT], http://HOST[:PORT], tcp:// or udp://HOST:PORT, or `sim:`'
            cand --timeout 'How long a call to the device may take, such as `90s`, `5m`, or plain seconds'
            cand --rpc-creds 'User and password for a device that asks for them: USER:PASSWORD, @FILE, or - to be asked'
            cand --baud-rate 'Bits per second'
            cand --set-control-lines 'Release DTR and RTS after opening, so that the board runs'
            cand --serial-framing 'How frames are set off'
            cand --insecure 'Take any TLS certificate'
            cand --json 'Print results on one line, and update events as one JSON object per line'
            cand -q 'Say nothing but results and errors'
            cand --quiet 'Say nothing but results and errors'
            cand -v 'Say more; twice: show every frame, without its secrets'
            cand --verbose 'Say more; twice: show every frame, without its secrets'
            cand --hw-flow-control 'Let RTS and CTS say when to send; XON and XOFF are obeyed in any case'
            cand --no-set-control-lines 'Leave DTR and RTS as they are'
            cand --inverted-control-lines 'DTR and RTS are inverted: asserted means released'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'otactl;ping'= {
            cand --port 'The device: /dev/ttyUSB0, COM7, ws://HOST[:PORT], http://HOST[:PORT], tcp:// or udp://HOST:PORT, or `sim:`'
            cand --timeout 'How long a call to the device may take, such as `90s`, `5m`, or plain seconds'
            cand --rpc-creds 'User and password for a device that asks for them: USER:PASSWORD, @FILE, or - to be asked'
            cand --baud-rate 'Bits per second'
            cand --set-control-lines 'Release DTR and RTS after opening, so that the board runs'
            cand --serial-framing 'How frames are set off'
            cand --insecure 'Take any TLS certificate'
            cand --json 'Print results on one line, and update events as one JSON object per line'
            cand -q 'Say nothing but results and errors'
            cand --quiet 'Say nothing but results and errors'
            cand -v 'Say more; twice: show every frame, without its secrets'
            cand --verbose 'Say more; twice: show every frame, without its secrets'
            cand --hw-flow-control 'Let RTS and CTS say when to send; XON and XOFF are obeyed in any case'
            cand --no-set-control-lines 'Leave DTR and RTS as they are'
            cand --inverted-control-lines 'DTR and RTS are inverted: asserted means released'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'otactl;reboot'= {
            cand --delay-ms 'Milliseconds from the device''s answer to the reboot'
            cand --port 'The device: /dev/ttyUSB0, COM7, ws://HOST[:PORT], http://HOST[:PORT], tcp:// or udp://HOST:PORT, or `sim:`'
            cand --timeout 'How long a call to the device may take, such as `90s`, `5m`, or plain seconds'
            cand --rpc-creds 'User and password for a device that asks for them: USER:PASSWORD, @FILE, or - to be asked'
            cand --baud-rate 'Bits per second'
            cand --set-control-lines 'Release DTR and RTS after opening, so that the board runs'
            cand --serial-framing 'How frames are set off'
            cand --force 'Reboot even if that is a rollback'
            cand --insecure 'Take any TLS certificate'
            cand --json 'Print results on one line, and update events as one JSON object per line'
            cand -q 'Say nothing but results and errors'
            cand --quiet 'Say nothing but results and errors'
            cand -v 'Say more; twice: show every frame, without its secrets'
            cand --verbose 'Say more; twice: show every frame, without its secrets'
            cand --hw-flow-control 'Let RTS and CTS say when to send; XON and XOFF are obeyed in any case'
            cand --no-set-control-lines 'Leave DTR and RTS as they are'
            cand --inverted-control-lines 'DTR and RTS are inverted: asserted means released'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'otactl;simulate'= {
            cand --listen 'Where it listens'
            cand --tcp 'Where it listens for plain TCP'
            cand --udp 'Where it listens for UDP'
            cand --id 'Its id'
            cand --platform 'Its platform'
            cand --reboot-delay 'How long a reboot takes'
            cand --auth 'Let in only who knows these: USER:PASSWORD[:REALM]'
            cand --auth-algo 'The hash of its challenges'
            cand --state 'Where to keep its flash; without it, every start is from the factory'
            cand --port 'The device: /dev/ttyUSB0, COM7, ws://HOST[:PORT], http://HOST[:PORT], tcp:// or udp://HOST:PORT, or `sim:`'
            cand --timeout 'How long a call to the device may take, such as `90s`, `5m`, or plain seconds'
            cand --rpc-creds 'User and password for a device that asks for them: USER:PASSWORD, @FILE, or - to be asked'
            cand --baud-rate 'Bits per second'
            cand --set-control-lines 'Release DTR and RTS after opening, so that the board runs'
            cand --serial-framing 'How frames are set off'
            cand --serial 'Serve it on a serial port too, with --baud-rate, and say where that is'
            cand --console-noise 'Let its console speak between the frames on the serial port'
            cand --insecure 'Take any TLS certificate'
            cand --json 'Print results on one line, and update events as one JSON object per line'
            cand -q 'Say nothing but results and errors'
            cand --quiet 'Say nothing but results and errors'
            cand -v 'Say more; twice: show every frame, without its secrets'
            cand --verbose 'Say more; twice: show every frame, without its secrets'
            cand --hw-flow-control 'Let RTS and CTS say when to send; XON and XOFF are obeyed in any case'
            cand --no-set-control-lines 'Leave DTR and RTS as they are'
            cand --inverted-control-lines 'DTR and RTS are inverted: asserted means released'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'otactl;help'= {
            cand update 'Take the device to a new firmware, prove that it runs, and commit it'
            cand commit 'Keep the firmware that runs (OTA.Commit)'
            cand revert 'Go back to the firmware that ran before, by a reboot (OTA.Revert)'
            cand create-snapshot 'Copy the running firmware to the other slot (OTA.CreateSnapshot)'
            cand get-boot-state 'Show which slot runs, and whether it is committed (OTA.GetBootState)'
            cand set-boot-state 'Set some fields of the boot state (OTA.SetBootState)'
            cand status 'Show how far an update is (OTA.Status)'
            cand call 'Call any method of the device'
            cand list 'List the methods of the device (RPC.List)'
            cand describe 'Show the arguments of a method (RPC.Describe)'
            cand info 'Show what the device is and what it runs (Sys.GetInfo)'
            cand ping 'Ask whether the device is there (RPC.Ping)'
            cand reboot 'Reboot the device (Sys.Reboot)'
            cand simulate 'Run a simulated device, over WebSocket, HTTP, TCP, UDP and a serial port, until Ctrl-C'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'otactl;help;update'= {
        }
        &'otactl;help;commit'= {
        }
        &'otactl;help;revert'= {
        }
        &'otactl;help;create-snapshot'= {
        }
        &'otactl;help;get-boot-state'= {
        }
        &'otactl;help;set-boot-state'= {
        }
        &'otactl;help;status'= {
        }
        &'otactl;help;call'= {
        }
        &'otactl;help;list'= {
        }
        &'otactl;help;describe'= {
        }
        &'otactl;help;info'= {
        }
        &'otactl;help;ping'= {
        }
        &'otactl;help;reboot'= {
        }
        &'otactl;help;simulate'= {
        }
        &'otactl;help;help'= {
        }
    ]
    $completions[$command]
}
