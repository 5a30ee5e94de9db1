# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_otactl_global_optspecs
    string join \n p/port= d/device= config= timeout= jobs= rpc-creds= json= q/quiet v/verbose color= ca-cert-file= cert-file= key-file= insecure baud-rate= hw-flow-control set-control-lines= no-set-control-lines inverted-control-lines serial-framing= mqtt-password-file= mqtt-client-id= mqtt-src= mqtt-pub-topic= mqtt-sub-topic= mqtt-will-topic= h/help V/version
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

complete -c otactl -n "__fish_otactl_needs_command" -s p -l port -d 'Address of the device, such as ws://192.168.1.5' -r -F
complete -c otactl -n "__fish_otactl_needs_command" -s d -l device -d 'Name of the device, as `otactl devices` lists it' -r -f
complete -c otactl -n "__fish_otactl_needs_command" -l config -d 'Configuration file [default: otactl.toml in this directory or one above it, and ~/.config/otactl/config.toml]' -r -F
complete -c otactl -n "__fish_otactl_needs_command" -l timeout -d 'Time limit of a call to the device' -r -f
complete -c otactl -n "__fish_otactl_needs_command" -l jobs -d 'Number of devices that a command for several devices works on at a time' -r -f
complete -c otactl -n "__fish_otactl_needs_command" -l rpc-creds -d 'User and password for a device that requires them: USER:PASSWORD, @FILE, or - for a prompt' -r -f
complete -c otactl -n "__fish_otactl_needs_command" -l json -d 'Print JSON lines, or write them to FILE' -r -f
complete -c otactl -n "__fish_otactl_needs_command" -l color -d 'Colours in messages' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`; with CLICOLOR_FORCE and in the logs of GitHub and GitLab also elsewhere'
always\t'Also in a pipe or a file'
never\t'Not even on a terminal'"
complete -c otactl -n "__fish_otactl_needs_command" -l ca-cert-file -d 'PEM file with the certificate authorities to trust, instead of those of the system' -r -F
complete -c otactl -n "__fish_otactl_needs_command" -l cert-file -d 'PEM file with the client certificate, for a server that requires one; with --key-file' -r -F
complete -c otactl -n "__fish_otactl_needs_command" -l key-file -d 'PEM file with the private key of --cert-file' -r -F
complete -c otactl -n "__fish_otactl_needs_command" -l baud-rate -d 'Speed of the port in bits per second' -r -f
complete -c otactl -n "__fish_otactl_needs_command" -l set-control-lines -d 'Release DTR and RTS after opening, so that the board runs' -r -f -a "true\t''
false\t''"
complete -c otactl -n "__fish_otactl_needs_command" -l serial-framing -d 'How frames are delimited' -r -f -a "auto\t'Lines, or triple double quotes if the device does not understand lines'
line\t'Lines with a CRC'
quoted\t'Between triple double quotes, for old firmware'"
complete -c otactl -n "__fish_otactl_needs_command" -l mqtt-password-file -d 'File with the password for the broker in its first line; - for a prompt' -r -F
complete -c otactl -n "__fish_otactl_needs_command" -l mqtt-client-id -d 'MQTT client id, for a broker whose rules require a certain one' -r -f
complete -c otactl -n "__fish_otactl_needs_command" -l mqtt-src -d 'Source name of the requests: the device replies on the topic SRC/rpc [default: DEVICE/rpc-resp/CLIENT-ID]' -r -f
complete -c otactl -n "__fish_otactl_needs_command" -l mqtt-pub-topic -d 'Topic of all requests [default: DEVICE/rpc/METHOD if the device listens there, else DEVICE/rpc]' -r -f
complete -c otactl -n "__fish_otactl_needs_command" -l mqtt-sub-topic -d 'Topic of the replies [default: SRC/rpc]' -r -f
complete -c otactl -n "__fish_otactl_needs_command" -l mqtt-will-topic -d 'Topic of the device\'s last will, read when the device does not reply' -r -f
complete -c otactl -n "__fish_otactl_needs_command" -s q -l quiet -d 'Print only results, warnings and errors'
complete -c otactl -n "__fish_otactl_needs_command" -s v -l verbose -d 'Print more details; twice: also every frame'
complete -c otactl -n "__fish_otactl_needs_command" -l insecure -d 'Accept any TLS certificate, and warn'
complete -c otactl -n "__fish_otactl_needs_command" -l hw-flow-control -d 'Use hardware flow control (RTS and CTS); XON and XOFF are obeyed with and without it'
complete -c otactl -n "__fish_otactl_needs_command" -l no-set-control-lines -d 'Do not change DTR and RTS after opening'
complete -c otactl -n "__fish_otactl_needs_command" -l inverted-control-lines -d 'Treat DTR and RTS as inverted: asserted means released'
complete -c otactl -n "__fish_otactl_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c otactl -n "__fish_otactl_needs_command" -s V -l version -d 'Print version'
complete -c otactl -n "__fish_otactl_needs_command" -f -a "update" -d 'Install new firmware, verify that it runs, and commit it'
complete -c otactl -n "__fish_otactl_needs_command" -f -a "show" -d 'Show what runs on the device, and whether it stays'
complete -c otactl -n "__fish_otactl_needs_command" -f -a "wait" -d 'Wait for a state of the device, and print the state'
complete -c otactl -n "__fish_otactl_needs_command" -f -a "commit" -d 'Commit the running firmware (OTA.Commit)'
complete -c otactl -n "__fish_otactl_needs_command" -f -a "revert" -d 'Revert to the previous firmware, and reboot (OTA.Revert)'
complete -c otactl -n "__fish_otactl_needs_command" -f -a "create-snapshot" -d 'Copy the firmware to the other slot (OTA.CreateSnapshot)'
complete -c otactl -n "__fish_otactl_needs_command" -f -a "get-boot-state" -d 'Show the active slot and its commit (OTA.GetBootState)'
complete -c otactl -n "__fish_otactl_needs_command" -f -a "set-boot-state" -d 'Set fields of the boot state (OTA.SetBootState)'
complete -c otactl -n "__fish_otactl_needs_command" -f -a "status" -d 'Show the progress of an update (OTA.Status)'
complete -c otactl -n "__fish_otactl_needs_command" -f -a "call" -d 'Call a method of the device by its name'
complete -c otactl -n "__fish_otactl_needs_command" -f -a "list" -d 'List the methods of the device (RPC.List)'
complete -c otactl -n "__fish_otactl_needs_command" -f -a "describe" -d 'Show the arguments of a method (RPC.Describe)'
complete -c otactl -n "__fish_otactl_needs_command" -f -a "info" -d 'Show id, platform and firmware of the device (Sys.GetInfo)'
complete -c otactl -n "__fish_otactl_needs_command" -f -a "ping" -d 'Check that the device answers (RPC.Ping)'
complete -c otactl -n "__fish_otactl_needs_command" -f -a "reboot" -d 'Reboot the device (Sys.Reboot)'
complete -c otactl -n "__fish_otactl_needs_command" -f -a "ports" -d 'List the serial ports of this machine, with their USB devices'
complete -c otactl -n "__fish_otactl_needs_command" -f -a "devices" -d 'List the named devices; add and remove devices'
complete -c otactl -n "__fish_otactl_needs_command" -f -a "discover" -d 'Find devices on the local network, or behind a broker'
complete -c otactl -n "__fish_otactl_needs_command" -f -a "simulate" -d 'Run a simulated device until Ctrl-C'
complete -c otactl -n "__fish_otactl_needs_command" -f -a "explain" -d 'Explain an outcome of an update, or an exit code'
complete -c otactl -n "__fish_otactl_needs_command" -f -a "completions" -d 'Print the completions for a shell'
complete -c otactl -n "__fish_otactl_needs_command" -f -a "man" -d 'Write the manual pages'
complete -c otactl -n "__fish_otactl_needs_command" -f -a "help" -d 'Print the help of a command'
complete -c otactl -n "__fish_otactl_using_subcommand update" -l url -d 'Where the device downloads the firmware' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand update" -l via -d 'Pull or push the firmware' -r -f -a "auto\t'Pull; push if the device cannot download the firmware'
pull\t'The device downloads the firmware: a FILE from otactl, a URL from its server'
push\t'otactl sends the firmware over --port; it downloads a URL first'"
complete -c otactl -n "__fish_otactl_using_subcommand update" -l commit-timeout -d 'Time limit of the commit' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand update" -l download-timeout -d 'Time limit of the transfer [default: 600s or more]' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand update" -l ask-timeout -d 'How long to wait for the device to request the firmware before pushing it instead (or failing, after three times as long)' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand update" -l stall-timeout -d 'How long a download may make no progress before it fails, on the device or from the server of --url' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand update" -l reboot-timeout -d 'Time limit of the reboot' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand update" -l listen -d 'Address to serve the firmware on' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand update" -l advertise -d 'Where the device reaches this machine' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand update" -l commit-port -d 'Check and commit the device over this port after the reboot; format as for --port' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand update" -l allow-from -d 'Serve the firmware also to this address or network, or to `any`' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand update" -l serve-tls -d 'Serve the firmware over HTTPS, with the certificate and the private key in these PEM files' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand update" -l check-rpc -d 'Call a method before the commit' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand update" -l check-cmd -d 'Run a program before the commit' -r -f -a "(__fish_complete_command)"
complete -c otactl -n "__fish_otactl_using_subcommand update" -l check-http -d 'Request this URL before the commit' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand update" -l check-timeout -d 'Time limit of each check' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand update" -l soak -d 'Time without a reboot before the commit' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand update" -l on-unhealthy -d 'What follows failed checks' -r -f -a "revert\t'Revert to the old firmware at once (OTA.Revert)'
leave\t'Leave the new firmware running for inspection, until the device rolls back'"
complete -c otactl -n "__fish_otactl_using_subcommand update" -s p -l port -d 'Address of the device, such as ws://192.168.1.5' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand update" -s d -l device -d 'Name of the device, as `otactl devices` lists it' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand update" -l config -d 'Configuration file [default: otactl.toml in this directory or one above it, and ~/.config/otactl/config.toml]' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand update" -l timeout -d 'Time limit of a call to the device' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand update" -l jobs -d 'Number of devices that a command for several devices works on at a time' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand update" -l rpc-creds -d 'User and password for a device that requires them: USER:PASSWORD, @FILE, or - for a prompt' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand update" -l json -d 'Print JSON lines, or write them to FILE' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand update" -l color -d 'Colours in messages' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`; with CLICOLOR_FORCE and in the logs of GitHub and GitLab also elsewhere'
always\t'Also in a pipe or a file'
never\t'Not even on a terminal'"
complete -c otactl -n "__fish_otactl_using_subcommand update" -l ca-cert-file -d 'PEM file with the certificate authorities to trust, instead of those of the system' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand update" -l cert-file -d 'PEM file with the client certificate, for a server that requires one; with --key-file' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand update" -l key-file -d 'PEM file with the private key of --cert-file' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand update" -l baud-rate -d 'Speed of the port in bits per second' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand update" -l set-control-lines -d 'Release DTR and RTS after opening, so that the board runs' -r -f -a "true\t''
false\t''"
complete -c otactl -n "__fish_otactl_using_subcommand update" -l serial-framing -d 'How frames are delimited' -r -f -a "auto\t'Lines, or triple double quotes if the device does not understand lines'
line\t'Lines with a CRC'
quoted\t'Between triple double quotes, for old firmware'"
complete -c otactl -n "__fish_otactl_using_subcommand update" -l mqtt-password-file -d 'File with the password for the broker in its first line; - for a prompt' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand update" -l mqtt-client-id -d 'MQTT client id, for a broker whose rules require a certain one' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand update" -l mqtt-src -d 'Source name of the requests: the device replies on the topic SRC/rpc [default: DEVICE/rpc-resp/CLIENT-ID]' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand update" -l mqtt-pub-topic -d 'Topic of all requests [default: DEVICE/rpc/METHOD if the device listens there, else DEVICE/rpc]' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand update" -l mqtt-sub-topic -d 'Topic of the replies [default: SRC/rpc]' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand update" -l mqtt-will-topic -d 'Topic of the device\'s last will, read when the device does not reply' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand update" -l no-commit -d 'Leave the new firmware uncommitted'
complete -c otactl -n "__fish_otactl_using_subcommand update" -l snapshot-first -d 'Copy the running firmware to another slot first (OTA.CreateSnapshot), if the platform has more than two slots'
complete -c otactl -n "__fish_otactl_using_subcommand update" -l no-abort -d 'Never end an update on the device; refuse if one runs'
complete -c otactl -n "__fish_otactl_using_subcommand update" -l dry-run -d 'Print the plan, and change nothing'
complete -c otactl -n "__fish_otactl_using_subcommand update" -l force -d 'Allow another app, and the running build'
complete -c otactl -n "__fish_otactl_using_subcommand update" -l allow-downgrade -d 'Allow an older version'
complete -c otactl -n "__fish_otactl_using_subcommand update" -s q -l quiet -d 'Print only results, warnings and errors'
complete -c otactl -n "__fish_otactl_using_subcommand update" -s v -l verbose -d 'Print more details; twice: also every frame'
complete -c otactl -n "__fish_otactl_using_subcommand update" -l insecure -d 'Accept any TLS certificate, and warn'
complete -c otactl -n "__fish_otactl_using_subcommand update" -l hw-flow-control -d 'Use hardware flow control (RTS and CTS); XON and XOFF are obeyed with and without it'
complete -c otactl -n "__fish_otactl_using_subcommand update" -l no-set-control-lines -d 'Do not change DTR and RTS after opening'
complete -c otactl -n "__fish_otactl_using_subcommand update" -l inverted-control-lines -d 'Treat DTR and RTS as inverted: asserted means released'
complete -c otactl -n "__fish_otactl_using_subcommand update" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c otactl -n "__fish_otactl_using_subcommand show" -l get -d 'Print only this part of the result, such as `eth.ip`' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand show" -s p -l port -d 'Address of the device, such as ws://192.168.1.5' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand show" -s d -l device -d 'Name of the device, as `otactl devices` lists it' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand show" -l config -d 'Configuration file [default: otactl.toml in this directory or one above it, and ~/.config/otactl/config.toml]' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand show" -l timeout -d 'Time limit of a call to the device' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand show" -l jobs -d 'Number of devices that a command for several devices works on at a time' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand show" -l rpc-creds -d 'User and password for a device that requires them: USER:PASSWORD, @FILE, or - for a prompt' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand show" -l json -d 'Print JSON lines, or write them to FILE' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand show" -l color -d 'Colours in messages' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`; with CLICOLOR_FORCE and in the logs of GitHub and GitLab also elsewhere'
always\t'Also in a pipe or a file'
never\t'Not even on a terminal'"
complete -c otactl -n "__fish_otactl_using_subcommand show" -l ca-cert-file -d 'PEM file with the certificate authorities to trust, instead of those of the system' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand show" -l cert-file -d 'PEM file with the client certificate, for a server that requires one; with --key-file' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand show" -l key-file -d 'PEM file with the private key of --cert-file' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand show" -l baud-rate -d 'Speed of the port in bits per second' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand show" -l set-control-lines -d 'Release DTR and RTS after opening, so that the board runs' -r -f -a "true\t''
false\t''"
complete -c otactl -n "__fish_otactl_using_subcommand show" -l serial-framing -d 'How frames are delimited' -r -f -a "auto\t'Lines, or triple double quotes if the device does not understand lines'
line\t'Lines with a CRC'
quoted\t'Between triple double quotes, for old firmware'"
complete -c otactl -n "__fish_otactl_using_subcommand show" -l mqtt-password-file -d 'File with the password for the broker in its first line; - for a prompt' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand show" -l mqtt-client-id -d 'MQTT client id, for a broker whose rules require a certain one' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand show" -l mqtt-src -d 'Source name of the requests: the device replies on the topic SRC/rpc [default: DEVICE/rpc-resp/CLIENT-ID]' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand show" -l mqtt-pub-topic -d 'Topic of all requests [default: DEVICE/rpc/METHOD if the device listens there, else DEVICE/rpc]' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand show" -l mqtt-sub-topic -d 'Topic of the replies [default: SRC/rpc]' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand show" -l mqtt-will-topic -d 'Topic of the device\'s last will, read when the device does not reply' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand show" -s q -l quiet -d 'Print only results, warnings and errors'
complete -c otactl -n "__fish_otactl_using_subcommand show" -s v -l verbose -d 'Print more details; twice: also every frame'
complete -c otactl -n "__fish_otactl_using_subcommand show" -l insecure -d 'Accept any TLS certificate, and warn'
complete -c otactl -n "__fish_otactl_using_subcommand show" -l hw-flow-control -d 'Use hardware flow control (RTS and CTS); XON and XOFF are obeyed with and without it'
complete -c otactl -n "__fish_otactl_using_subcommand show" -l no-set-control-lines -d 'Do not change DTR and RTS after opening'
complete -c otactl -n "__fish_otactl_using_subcommand show" -l inverted-control-lines -d 'Treat DTR and RTS as inverted: asserted means released'
complete -c otactl -n "__fish_otactl_using_subcommand show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c otactl -n "__fish_otactl_using_subcommand wait" -l for -d 'Time limit of the wait' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand wait" -l get -d 'Print only this part of the result, such as `eth.ip`' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand wait" -s p -l port -d 'Address of the device, such as ws://192.168.1.5' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand wait" -s d -l device -d 'Name of the device, as `otactl devices` lists it' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand wait" -l config -d 'Configuration file [default: otactl.toml in this directory or one above it, and ~/.config/otactl/config.toml]' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand wait" -l timeout -d 'Time limit of a call to the device' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand wait" -l jobs -d 'Number of devices that a command for several devices works on at a time' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand wait" -l rpc-creds -d 'User and password for a device that requires them: USER:PASSWORD, @FILE, or - for a prompt' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand wait" -l json -d 'Print JSON lines, or write them to FILE' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand wait" -l color -d 'Colours in messages' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`; with CLICOLOR_FORCE and in the logs of GitHub and GitLab also elsewhere'
always\t'Also in a pipe or a file'
never\t'Not even on a terminal'"
complete -c otactl -n "__fish_otactl_using_subcommand wait" -l ca-cert-file -d 'PEM file with the certificate authorities to trust, instead of those of the system' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand wait" -l cert-file -d 'PEM file with the client certificate, for a server that requires one; with --key-file' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand wait" -l key-file -d 'PEM file with the private key of --cert-file' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand wait" -l baud-rate -d 'Speed of the port in bits per second' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand wait" -l set-control-lines -d 'Release DTR and RTS after opening, so that the board runs' -r -f -a "true\t''
false\t''"
complete -c otactl -n "__fish_otactl_using_subcommand wait" -l serial-framing -d 'How frames are delimited' -r -f -a "auto\t'Lines, or triple double quotes if the device does not understand lines'
line\t'Lines with a CRC'
quoted\t'Between triple double quotes, for old firmware'"
complete -c otactl -n "__fish_otactl_using_subcommand wait" -l mqtt-password-file -d 'File with the password for the broker in its first line; - for a prompt' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand wait" -l mqtt-client-id -d 'MQTT client id, for a broker whose rules require a certain one' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand wait" -l mqtt-src -d 'Source name of the requests: the device replies on the topic SRC/rpc [default: DEVICE/rpc-resp/CLIENT-ID]' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand wait" -l mqtt-pub-topic -d 'Topic of all requests [default: DEVICE/rpc/METHOD if the device listens there, else DEVICE/rpc]' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand wait" -l mqtt-sub-topic -d 'Topic of the replies [default: SRC/rpc]' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand wait" -l mqtt-will-topic -d 'Topic of the device\'s last will, read when the device does not reply' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand wait" -s q -l quiet -d 'Print only results, warnings and errors'
complete -c otactl -n "__fish_otactl_using_subcommand wait" -s v -l verbose -d 'Print more details; twice: also every frame'
complete -c otactl -n "__fish_otactl_using_subcommand wait" -l insecure -d 'Accept any TLS certificate, and warn'
complete -c otactl -n "__fish_otactl_using_subcommand wait" -l hw-flow-control -d 'Use hardware flow control (RTS and CTS); XON and XOFF are obeyed with and without it'
complete -c otactl -n "__fish_otactl_using_subcommand wait" -l no-set-control-lines -d 'Do not change DTR and RTS after opening'
complete -c otactl -n "__fish_otactl_using_subcommand wait" -l inverted-control-lines -d 'Treat DTR and RTS as inverted: asserted means released'
complete -c otactl -n "__fish_otactl_using_subcommand wait" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c otactl -n "__fish_otactl_using_subcommand commit" -s p -l port -d 'Address of the device, such as ws://192.168.1.5' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand commit" -s d -l device -d 'Name of the device, as `otactl devices` lists it' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand commit" -l config -d 'Configuration file [default: otactl.toml in this directory or one above it, and ~/.config/otactl/config.toml]' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand commit" -l timeout -d 'Time limit of a call to the device' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand commit" -l jobs -d 'Number of devices that a command for several devices works on at a time' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand commit" -l rpc-creds -d 'User and password for a device that requires them: USER:PASSWORD, @FILE, or - for a prompt' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand commit" -l json -d 'Print JSON lines, or write them to FILE' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand commit" -l color -d 'Colours in messages' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`; with CLICOLOR_FORCE and in the logs of GitHub and GitLab also elsewhere'
always\t'Also in a pipe or a file'
never\t'Not even on a terminal'"
complete -c otactl -n "__fish_otactl_using_subcommand commit" -l ca-cert-file -d 'PEM file with the certificate authorities to trust, instead of those of the system' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand commit" -l cert-file -d 'PEM file with the client certificate, for a server that requires one; with --key-file' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand commit" -l key-file -d 'PEM file with the private key of --cert-file' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand commit" -l baud-rate -d 'Speed of the port in bits per second' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand commit" -l set-control-lines -d 'Release DTR and RTS after opening, so that the board runs' -r -f -a "true\t''
false\t''"
complete -c otactl -n "__fish_otactl_using_subcommand commit" -l serial-framing -d 'How frames are delimited' -r -f -a "auto\t'Lines, or triple double quotes if the device does not understand lines'
line\t'Lines with a CRC'
quoted\t'Between triple double quotes, for old firmware'"
complete -c otactl -n "__fish_otactl_using_subcommand commit" -l mqtt-password-file -d 'File with the password for the broker in its first line; - for a prompt' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand commit" -l mqtt-client-id -d 'MQTT client id, for a broker whose rules require a certain one' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand commit" -l mqtt-src -d 'Source name of the requests: the device replies on the topic SRC/rpc [default: DEVICE/rpc-resp/CLIENT-ID]' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand commit" -l mqtt-pub-topic -d 'Topic of all requests [default: DEVICE/rpc/METHOD if the device listens there, else DEVICE/rpc]' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand commit" -l mqtt-sub-topic -d 'Topic of the replies [default: SRC/rpc]' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand commit" -l mqtt-will-topic -d 'Topic of the device\'s last will, read when the device does not reply' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand commit" -s q -l quiet -d 'Print only results, warnings and errors'
complete -c otactl -n "__fish_otactl_using_subcommand commit" -s v -l verbose -d 'Print more details; twice: also every frame'
complete -c otactl -n "__fish_otactl_using_subcommand commit" -l insecure -d 'Accept any TLS certificate, and warn'
complete -c otactl -n "__fish_otactl_using_subcommand commit" -l hw-flow-control -d 'Use hardware flow control (RTS and CTS); XON and XOFF are obeyed with and without it'
complete -c otactl -n "__fish_otactl_using_subcommand commit" -l no-set-control-lines -d 'Do not change DTR and RTS after opening'
complete -c otactl -n "__fish_otactl_using_subcommand commit" -l inverted-control-lines -d 'Treat DTR and RTS as inverted: asserted means released'
complete -c otactl -n "__fish_otactl_using_subcommand commit" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c otactl -n "__fish_otactl_using_subcommand revert" -s p -l port -d 'Address of the device, such as ws://192.168.1.5' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand revert" -s d -l device -d 'Name of the device, as `otactl devices` lists it' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand revert" -l config -d 'Configuration file [default: otactl.toml in this directory or one above it, and ~/.config/otactl/config.toml]' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand revert" -l timeout -d 'Time limit of a call to the device' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand revert" -l jobs -d 'Number of devices that a command for several devices works on at a time' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand revert" -l rpc-creds -d 'User and password for a device that requires them: USER:PASSWORD, @FILE, or - for a prompt' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand revert" -l json -d 'Print JSON lines, or write them to FILE' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand revert" -l color -d 'Colours in messages' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`; with CLICOLOR_FORCE and in the logs of GitHub and GitLab also elsewhere'
always\t'Also in a pipe or a file'
never\t'Not even on a terminal'"
complete -c otactl -n "__fish_otactl_using_subcommand revert" -l ca-cert-file -d 'PEM file with the certificate authorities to trust, instead of those of the system' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand revert" -l cert-file -d 'PEM file with the client certificate, for a server that requires one; with --key-file' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand revert" -l key-file -d 'PEM file with the private key of --cert-file' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand revert" -l baud-rate -d 'Speed of the port in bits per second' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand revert" -l set-control-lines -d 'Release DTR and RTS after opening, so that the board runs' -r -f -a "true\t''
false\t''"
complete -c otactl -n "__fish_otactl_using_subcommand revert" -l serial-framing -d 'How frames are delimited' -r -f -a "auto\t'Lines, or triple double quotes if the device does not understand lines'
line\t'Lines with a CRC'
quoted\t'Between triple double quotes, for old firmware'"
complete -c otactl -n "__fish_otactl_using_subcommand revert" -l mqtt-password-file -d 'File with the password for the broker in its first line; - for a prompt' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand revert" -l mqtt-client-id -d 'MQTT client id, for a broker whose rules require a certain one' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand revert" -l mqtt-src -d 'Source name of the requests: the device replies on the topic SRC/rpc [default: DEVICE/rpc-resp/CLIENT-ID]' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand revert" -l mqtt-pub-topic -d 'Topic of all requests [default: DEVICE/rpc/METHOD if the device listens there, else DEVICE/rpc]' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand revert" -l mqtt-sub-topic -d 'Topic of the replies [default: SRC/rpc]' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand revert" -l mqtt-will-topic -d 'Topic of the device\'s last will, read when the device does not reply' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand revert" -s q -l quiet -d 'Print only results, warnings and errors'
complete -c otactl -n "__fish_otactl_using_subcommand revert" -s v -l verbose -d 'Print more details; twice: also every frame'
complete -c otactl -n "__fish_otactl_using_subcommand revert" -l insecure -d 'Accept any TLS certificate, and warn'
complete -c otactl -n "__fish_otactl_using_subcommand revert" -l hw-flow-control -d 'Use hardware flow control (RTS and CTS); XON and XOFF are obeyed with and without it'
complete -c otactl -n "__fish_otactl_using_subcommand revert" -l no-set-control-lines -d 'Do not change DTR and RTS after opening'
complete -c otactl -n "__fish_otactl_using_subcommand revert" -l inverted-control-lines -d 'Treat DTR and RTS as inverted: asserted means released'
complete -c otactl -n "__fish_otactl_using_subcommand revert" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c otactl -n "__fish_otactl_using_subcommand create-snapshot" -l commit-timeout -d 'Time limit of the commit' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand create-snapshot" -s p -l port -d 'Address of the device, such as ws://192.168.1.5' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand create-snapshot" -s d -l device -d 'Name of the device, as `otactl devices` lists it' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand create-snapshot" -l config -d 'Configuration file [default: otactl.toml in this directory or one above it, and ~/.config/otactl/config.toml]' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand create-snapshot" -l timeout -d 'Time limit of a call to the device' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand create-snapshot" -l jobs -d 'Number of devices that a command for several devices works on at a time' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand create-snapshot" -l rpc-creds -d 'User and password for a device that requires them: USER:PASSWORD, @FILE, or - for a prompt' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand create-snapshot" -l json -d 'Print JSON lines, or write them to FILE' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand create-snapshot" -l color -d 'Colours in messages' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`; with CLICOLOR_FORCE and in the logs of GitHub and GitLab also elsewhere'
always\t'Also in a pipe or a file'
never\t'Not even on a terminal'"
complete -c otactl -n "__fish_otactl_using_subcommand create-snapshot" -l ca-cert-file -d 'PEM file with the certificate authorities to trust, instead of those of the system' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand create-snapshot" -l cert-file -d 'PEM file with the client certificate, for a server that requires one; with --key-file' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand create-snapshot" -l key-file -d 'PEM file with the private key of --cert-file' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand create-snapshot" -l baud-rate -d 'Speed of the port in bits per second' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand create-snapshot" -l set-control-lines -d 'Release DTR and RTS after opening, so that the board runs' -r -f -a "true\t''
false\t''"
complete -c otactl -n "__fish_otactl_using_subcommand create-snapshot" -l serial-framing -d 'How frames are delimited' -r -f -a "auto\t'Lines, or triple double quotes if the device does not understand lines'
line\t'Lines with a CRC'
quoted\t'Between triple double quotes, for old firmware'"
complete -c otactl -n "__fish_otactl_using_subcommand create-snapshot" -l mqtt-password-file -d 'File with the password for the broker in its first line; - for a prompt' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand create-snapshot" -l mqtt-client-id -d 'MQTT client id, for a broker whose rules require a certain one' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand create-snapshot" -l mqtt-src -d 'Source name of the requests: the device replies on the topic SRC/rpc [default: DEVICE/rpc-resp/CLIENT-ID]' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand create-snapshot" -l mqtt-pub-topic -d 'Topic of all requests [default: DEVICE/rpc/METHOD if the device listens there, else DEVICE/rpc]' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand create-snapshot" -l mqtt-sub-topic -d 'Topic of the replies [default: SRC/rpc]' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand create-snapshot" -l mqtt-will-topic -d 'Topic of the device\'s last will, read when the device does not reply' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand create-snapshot" -l set-as-revert -d 'Make the copy the firmware to roll back to'
complete -c otactl -n "__fish_otactl_using_subcommand create-snapshot" -s q -l quiet -d 'Print only results, warnings and errors'
complete -c otactl -n "__fish_otactl_using_subcommand create-snapshot" -s v -l verbose -d 'Print more details; twice: also every frame'
complete -c otactl -n "__fish_otactl_using_subcommand create-snapshot" -l insecure -d 'Accept any TLS certificate, and warn'
complete -c otactl -n "__fish_otactl_using_subcommand create-snapshot" -l hw-flow-control -d 'Use hardware flow control (RTS and CTS); XON and XOFF are obeyed with and without it'
complete -c otactl -n "__fish_otactl_using_subcommand create-snapshot" -l no-set-control-lines -d 'Do not change DTR and RTS after opening'
complete -c otactl -n "__fish_otactl_using_subcommand create-snapshot" -l inverted-control-lines -d 'Treat DTR and RTS as inverted: asserted means released'
complete -c otactl -n "__fish_otactl_using_subcommand create-snapshot" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c otactl -n "__fish_otactl_using_subcommand get-boot-state" -l get -d 'Print only this part of the result, such as `eth.ip`' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand get-boot-state" -s p -l port -d 'Address of the device, such as ws://192.168.1.5' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand get-boot-state" -s d -l device -d 'Name of the device, as `otactl devices` lists it' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand get-boot-state" -l config -d 'Configuration file [default: otactl.toml in this directory or one above it, and ~/.config/otactl/config.toml]' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand get-boot-state" -l timeout -d 'Time limit of a call to the device' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand get-boot-state" -l jobs -d 'Number of devices that a command for several devices works on at a time' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand get-boot-state" -l rpc-creds -d 'User and password for a device that requires them: USER:PASSWORD, @FILE, or - for a prompt' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand get-boot-state" -l json -d 'Print JSON lines, or write them to FILE' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand get-boot-state" -l color -d 'Colours in messages' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`; with CLICOLOR_FORCE and in the logs of GitHub and GitLab also elsewhere'
always\t'Also in a pipe or a file'
never\t'Not even on a terminal'"
complete -c otactl -n "__fish_otactl_using_subcommand get-boot-state" -l ca-cert-file -d 'PEM file with the certificate authorities to trust, instead of those of the system' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand get-boot-state" -l cert-file -d 'PEM file with the client certificate, for a server that requires one; with --key-file' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand get-boot-state" -l key-file -d 'PEM file with the private key of --cert-file' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand get-boot-state" -l baud-rate -d 'Speed of the port in bits per second' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand get-boot-state" -l set-control-lines -d 'Release DTR and RTS after opening, so that the board runs' -r -f -a "true\t''
false\t''"
complete -c otactl -n "__fish_otactl_using_subcommand get-boot-state" -l serial-framing -d 'How frames are delimited' -r -f -a "auto\t'Lines, or triple double quotes if the device does not understand lines'
line\t'Lines with a CRC'
quoted\t'Between triple double quotes, for old firmware'"
complete -c otactl -n "__fish_otactl_using_subcommand get-boot-state" -l mqtt-password-file -d 'File with the password for the broker in its first line; - for a prompt' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand get-boot-state" -l mqtt-client-id -d 'MQTT client id, for a broker whose rules require a certain one' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand get-boot-state" -l mqtt-src -d 'Source name of the requests: the device replies on the topic SRC/rpc [default: DEVICE/rpc-resp/CLIENT-ID]' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand get-boot-state" -l mqtt-pub-topic -d 'Topic of all requests [default: DEVICE/rpc/METHOD if the device listens there, else DEVICE/rpc]' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand get-boot-state" -l mqtt-sub-topic -d 'Topic of the replies [default: SRC/rpc]' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand get-boot-state" -l mqtt-will-topic -d 'Topic of the device\'s last will, read when the device does not reply' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand get-boot-state" -s q -l quiet -d 'Print only results, warnings and errors'
complete -c otactl -n "__fish_otactl_using_subcommand get-boot-state" -s v -l verbose -d 'Print more details; twice: also every frame'
complete -c otactl -n "__fish_otactl_using_subcommand get-boot-state" -l insecure -d 'Accept any TLS certificate, and warn'
complete -c otactl -n "__fish_otactl_using_subcommand get-boot-state" -l hw-flow-control -d 'Use hardware flow control (RTS and CTS); XON and XOFF are obeyed with and without it'
complete -c otactl -n "__fish_otactl_using_subcommand get-boot-state" -l no-set-control-lines -d 'Do not change DTR and RTS after opening'
complete -c otactl -n "__fish_otactl_using_subcommand get-boot-state" -l inverted-control-lines -d 'Treat DTR and RTS as inverted: asserted means released'
complete -c otactl -n "__fish_otactl_using_subcommand get-boot-state" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c otactl -n "__fish_otactl_using_subcommand set-boot-state" -l active-slot -d 'Slot that boots next' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand set-boot-state" -l is-committed -d 'Whether that slot is committed' -r -f -a "true\t''
false\t''"
complete -c otactl -n "__fish_otactl_using_subcommand set-boot-state" -l revert-slot -d 'Slot that boots after a rollback' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand set-boot-state" -l commit-timeout -d 'Time limit of the commit, whole seconds' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand set-boot-state" -s p -l port -d 'Address of the device, such as ws://192.168.1.5' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand set-boot-state" -s d -l device -d 'Name of the device, as `otactl devices` lists it' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand set-boot-state" -l config -d 'Configuration file [default: otactl.toml in this directory or one above it, and ~/.config/otactl/config.toml]' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand set-boot-state" -l timeout -d 'Time limit of a call to the device' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand set-boot-state" -l jobs -d 'Number of devices that a command for several devices works on at a time' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand set-boot-state" -l rpc-creds -d 'User and password for a device that requires them: USER:PASSWORD, @FILE, or - for a prompt' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand set-boot-state" -l json -d 'Print JSON lines, or write them to FILE' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand set-boot-state" -l color -d 'Colours in messages' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`; with CLICOLOR_FORCE and in the logs of GitHub and GitLab also elsewhere'
always\t'Also in a pipe or a file'
never\t'Not even on a terminal'"
complete -c otactl -n "__fish_otactl_using_subcommand set-boot-state" -l ca-cert-file -d 'PEM file with the certificate authorities to trust, instead of those of the system' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand set-boot-state" -l cert-file -d 'PEM file with the client certificate, for a server that requires one; with --key-file' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand set-boot-state" -l key-file -d 'PEM file with the private key of --cert-file' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand set-boot-state" -l baud-rate -d 'Speed of the port in bits per second' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand set-boot-state" -l set-control-lines -d 'Release DTR and RTS after opening, so that the board runs' -r -f -a "true\t''
false\t''"
complete -c otactl -n "__fish_otactl_using_subcommand set-boot-state" -l serial-framing -d 'How frames are delimited' -r -f -a "auto\t'Lines, or triple double quotes if the device does not understand lines'
line\t'Lines with a CRC'
quoted\t'Between triple double quotes, for old firmware'"
complete -c otactl -n "__fish_otactl_using_subcommand set-boot-state" -l mqtt-password-file -d 'File with the password for the broker in its first line; - for a prompt' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand set-boot-state" -l mqtt-client-id -d 'MQTT client id, for a broker whose rules require a certain one' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand set-boot-state" -l mqtt-src -d 'Source name of the requests: the device replies on the topic SRC/rpc [default: DEVICE/rpc-resp/CLIENT-ID]' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand set-boot-state" -l mqtt-pub-topic -d 'Topic of all requests [default: DEVICE/rpc/METHOD if the device listens there, else DEVICE/rpc]' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand set-boot-state" -l mqtt-sub-topic -d 'Topic of the replies [default: SRC/rpc]' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand set-boot-state" -l mqtt-will-topic -d 'Topic of the device\'s last will, read when the device does not reply' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand set-boot-state" -l force -d 'Send a slot that the platform lacks'
complete -c otactl -n "__fish_otactl_using_subcommand set-boot-state" -s q -l quiet -d 'Print only results, warnings and errors'
complete -c otactl -n "__fish_otactl_using_subcommand set-boot-state" -s v -l verbose -d 'Print more details; twice: also every frame'
complete -c otactl -n "__fish_otactl_using_subcommand set-boot-state" -l insecure -d 'Accept any TLS certificate, and warn'
complete -c otactl -n "__fish_otactl_using_subcommand set-boot-state" -l hw-flow-control -d 'Use hardware flow control (RTS and CTS); XON and XOFF are obeyed with and without it'
complete -c otactl -n "__fish_otactl_using_subcommand set-boot-state" -l no-set-control-lines -d 'Do not change DTR and RTS after opening'
complete -c otactl -n "__fish_otactl_using_subcommand set-boot-state" -l inverted-control-lines -d 'Treat DTR and RTS as inverted: asserted means released'
complete -c otactl -n "__fish_otactl_using_subcommand set-boot-state" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c otactl -n "__fish_otactl_using_subcommand status" -l get -d 'Print only this part of the result, such as `eth.ip`' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand status" -s p -l port -d 'Address of the device, such as ws://192.168.1.5' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand status" -s d -l device -d 'Name of the device, as `otactl devices` lists it' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand status" -l config -d 'Configuration file [default: otactl.toml in this directory or one above it, and ~/.config/otactl/config.toml]' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand status" -l timeout -d 'Time limit of a call to the device' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand status" -l jobs -d 'Number of devices that a command for several devices works on at a time' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand status" -l rpc-creds -d 'User and password for a device that requires them: USER:PASSWORD, @FILE, or - for a prompt' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand status" -l json -d 'Print JSON lines, or write them to FILE' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand status" -l color -d 'Colours in messages' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`; with CLICOLOR_FORCE and in the logs of GitHub and GitLab also elsewhere'
always\t'Also in a pipe or a file'
never\t'Not even on a terminal'"
complete -c otactl -n "__fish_otactl_using_subcommand status" -l ca-cert-file -d 'PEM file with the certificate authorities to trust, instead of those of the system' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand status" -l cert-file -d 'PEM file with the client certificate, for a server that requires one; with --key-file' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand status" -l key-file -d 'PEM file with the private key of --cert-file' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand status" -l baud-rate -d 'Speed of the port in bits per second' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand status" -l set-control-lines -d 'Release DTR and RTS after opening, so that the board runs' -r -f -a "true\t''
false\t''"
complete -c otactl -n "__fish_otactl_using_subcommand status" -l serial-framing -d 'How frames are delimited' -r -f -a "auto\t'Lines, or triple double quotes if the device does not understand lines'
line\t'Lines with a CRC'
quoted\t'Between triple double quotes, for old firmware'"
complete -c otactl -n "__fish_otactl_using_subcommand status" -l mqtt-password-file -d 'File with the password for the broker in its first line; - for a prompt' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand status" -l mqtt-client-id -d 'MQTT client id, for a broker whose rules require a certain one' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand status" -l mqtt-src -d 'Source name of the requests: the device replies on the topic SRC/rpc [default: DEVICE/rpc-resp/CLIENT-ID]' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand status" -l mqtt-pub-topic -d 'Topic of all requests [default: DEVICE/rpc/METHOD if the device listens there, else DEVICE/rpc]' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand status" -l mqtt-sub-topic -d 'Topic of the replies [default: SRC/rpc]' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand status" -l mqtt-will-topic -d 'Topic of the device\'s last will, read when the device does not reply' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand status" -s q -l quiet -d 'Print only results, warnings and errors'
complete -c otactl -n "__fish_otactl_using_subcommand status" -s v -l verbose -d 'Print more details; twice: also every frame'
complete -c otactl -n "__fish_otactl_using_subcommand status" -l insecure -d 'Accept any TLS certificate, and warn'
complete -c otactl -n "__fish_otactl_using_subcommand status" -l hw-flow-control -d 'Use hardware flow control (RTS and CTS); XON and XOFF are obeyed with and without it'
complete -c otactl -n "__fish_otactl_using_subcommand status" -l no-set-control-lines -d 'Do not change DTR and RTS after opening'
complete -c otactl -n "__fish_otactl_using_subcommand status" -l inverted-control-lines -d 'Treat DTR and RTS as inverted: asserted means released'
complete -c otactl -n "__fish_otactl_using_subcommand status" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c otactl -n "__fish_otactl_using_subcommand call" -l get -d 'Print only this part of the result, such as `eth.ip`' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand call" -s p -l port -d 'Address of the device, such as ws://192.168.1.5' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand call" -s d -l device -d 'Name of the device, as `otactl devices` lists it' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand call" -l config -d 'Configuration file [default: otactl.toml in this directory or one above it, and ~/.config/otactl/config.toml]' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand call" -l timeout -d 'Time limit of a call to the device' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand call" -l jobs -d 'Number of devices that a command for several devices works on at a time' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand call" -l rpc-creds -d 'User and password for a device that requires them: USER:PASSWORD, @FILE, or - for a prompt' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand call" -l json -d 'Print JSON lines, or write them to FILE' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand call" -l color -d 'Colours in messages' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`; with CLICOLOR_FORCE and in the logs of GitHub and GitLab also elsewhere'
always\t'Also in a pipe or a file'
never\t'Not even on a terminal'"
complete -c otactl -n "__fish_otactl_using_subcommand call" -l ca-cert-file -d 'PEM file with the certificate authorities to trust, instead of those of the system' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand call" -l cert-file -d 'PEM file with the client certificate, for a server that requires one; with --key-file' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand call" -l key-file -d 'PEM file with the private key of --cert-file' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand call" -l baud-rate -d 'Speed of the port in bits per second' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand call" -l set-control-lines -d 'Release DTR and RTS after opening, so that the board runs' -r -f -a "true\t''
false\t''"
complete -c otactl -n "__fish_otactl_using_subcommand call" -l serial-framing -d 'How frames are delimited' -r -f -a "auto\t'Lines, or triple double quotes if the device does not understand lines'
line\t'Lines with a CRC'
quoted\t'Between triple double quotes, for old firmware'"
complete -c otactl -n "__fish_otactl_using_subcommand call" -l mqtt-password-file -d 'File with the password for the broker in its first line; - for a prompt' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand call" -l mqtt-client-id -d 'MQTT client id, for a broker whose rules require a certain one' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand call" -l mqtt-src -d 'Source name of the requests: the device replies on the topic SRC/rpc [default: DEVICE/rpc-resp/CLIENT-ID]' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand call" -l mqtt-pub-topic -d 'Topic of all requests [default: DEVICE/rpc/METHOD if the device listens there, else DEVICE/rpc]' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand call" -l mqtt-sub-topic -d 'Topic of the replies [default: SRC/rpc]' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand call" -l mqtt-will-topic -d 'Topic of the device\'s last will, read when the device does not reply' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand call" -s q -l quiet -d 'Print only results, warnings and errors'
complete -c otactl -n "__fish_otactl_using_subcommand call" -s v -l verbose -d 'Print more details; twice: also every frame'
complete -c otactl -n "__fish_otactl_using_subcommand call" -l insecure -d 'Accept any TLS certificate, and warn'
complete -c otactl -n "__fish_otactl_using_subcommand call" -l hw-flow-control -d 'Use hardware flow control (RTS and CTS); XON and XOFF are obeyed with and without it'
complete -c otactl -n "__fish_otactl_using_subcommand call" -l no-set-control-lines -d 'Do not change DTR and RTS after opening'
complete -c otactl -n "__fish_otactl_using_subcommand call" -l inverted-control-lines -d 'Treat DTR and RTS as inverted: asserted means released'
complete -c otactl -n "__fish_otactl_using_subcommand call" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c otactl -n "__fish_otactl_using_subcommand list" -s p -l port -d 'Address of the device, such as ws://192.168.1.5' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand list" -s d -l device -d 'Name of the device, as `otactl devices` lists it' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand list" -l config -d 'Configuration file [default: otactl.toml in this directory or one above it, and ~/.config/otactl/config.toml]' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand list" -l timeout -d 'Time limit of a call to the device' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand list" -l jobs -d 'Number of devices that a command for several devices works on at a time' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand list" -l rpc-creds -d 'User and password for a device that requires them: USER:PASSWORD, @FILE, or - for a prompt' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand list" -l json -d 'Print JSON lines, or write them to FILE' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand list" -l color -d 'Colours in messages' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`; with CLICOLOR_FORCE and in the logs of GitHub and GitLab also elsewhere'
always\t'Also in a pipe or a file'
never\t'Not even on a terminal'"
complete -c otactl -n "__fish_otactl_using_subcommand list" -l ca-cert-file -d 'PEM file with the certificate authorities to trust, instead of those of the system' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand list" -l cert-file -d 'PEM file with the client certificate, for a server that requires one; with --key-file' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand list" -l key-file -d 'PEM file with the private key of --cert-file' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand list" -l baud-rate -d 'Speed of the port in bits per second' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand list" -l set-control-lines -d 'Release DTR and RTS after opening, so that the board runs' -r -f -a "true\t''
false\t''"
complete -c otactl -n "__fish_otactl_using_subcommand list" -l serial-framing -d 'How frames are delimited' -r -f -a "auto\t'Lines, or triple double quotes if the device does not understand lines'
line\t'Lines with a CRC'
quoted\t'Between triple double quotes, for old firmware'"
complete -c otactl -n "__fish_otactl_using_subcommand list" -l mqtt-password-file -d 'File with the password for the broker in its first line; - for a prompt' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand list" -l mqtt-client-id -d 'MQTT client id, for a broker whose rules require a certain one' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand list" -l mqtt-src -d 'Source name of the requests: the device replies on the topic SRC/rpc [default: DEVICE/rpc-resp/CLIENT-ID]' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand list" -l mqtt-pub-topic -d 'Topic of all requests [default: DEVICE/rpc/METHOD if the device listens there, else DEVICE/rpc]' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand list" -l mqtt-sub-topic -d 'Topic of the replies [default: SRC/rpc]' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand list" -l mqtt-will-topic -d 'Topic of the device\'s last will, read when the device does not reply' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand list" -s q -l quiet -d 'Print only results, warnings and errors'
complete -c otactl -n "__fish_otactl_using_subcommand list" -s v -l verbose -d 'Print more details; twice: also every frame'
complete -c otactl -n "__fish_otactl_using_subcommand list" -l insecure -d 'Accept any TLS certificate, and warn'
complete -c otactl -n "__fish_otactl_using_subcommand list" -l hw-flow-control -d 'Use hardware flow control (RTS and CTS); XON and XOFF are obeyed with and without it'
complete -c otactl -n "__fish_otactl_using_subcommand list" -l no-set-control-lines -d 'Do not change DTR and RTS after opening'
complete -c otactl -n "__fish_otactl_using_subcommand list" -l inverted-control-lines -d 'Treat DTR and RTS as inverted: asserted means released'
complete -c otactl -n "__fish_otactl_using_subcommand list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c otactl -n "__fish_otactl_using_subcommand describe" -s p -l port -d 'Address of the device, such as ws://192.168.1.5' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand describe" -s d -l device -d 'Name of the device, as `otactl devices` lists it' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand describe" -l config -d 'Configuration file [default: otactl.toml in this directory or one above it, and ~/.config/otactl/config.toml]' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand describe" -l timeout -d 'Time limit of a call to the device' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand describe" -l jobs -d 'Number of devices that a command for several devices works on at a time' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand describe" -l rpc-creds -d 'User and password for a device that requires them: USER:PASSWORD, @FILE, or - for a prompt' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand describe" -l json -d 'Print JSON lines, or write them to FILE' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand describe" -l color -d 'Colours in messages' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`; with CLICOLOR_FORCE and in the logs of GitHub and GitLab also elsewhere'
always\t'Also in a pipe or a file'
never\t'Not even on a terminal'"
complete -c otactl -n "__fish_otactl_using_subcommand describe" -l ca-cert-file -d 'PEM file with the certificate authorities to trust, instead of those of the system' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand describe" -l cert-file -d 'PEM file with the client certificate, for a server that requires one; with --key-file' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand describe" -l key-file -d 'PEM file with the private key of --cert-file' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand describe" -l baud-rate -d 'Speed of the port in bits per second' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand describe" -l set-control-lines -d 'Release DTR and RTS after opening, so that the board runs' -r -f -a "true\t''
false\t''"
complete -c otactl -n "__fish_otactl_using_subcommand describe" -l serial-framing -d 'How frames are delimited' -r -f -a "auto\t'Lines, or triple double quotes if the device does not understand lines'
line\t'Lines with a CRC'
quoted\t'Between triple double quotes, for old firmware'"
complete -c otactl -n "__fish_otactl_using_subcommand describe" -l mqtt-password-file -d 'File with the password for the broker in its first line; - for a prompt' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand describe" -l mqtt-client-id -d 'MQTT client id, for a broker whose rules require a certain one' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand describe" -l mqtt-src -d 'Source name of the requests: the device replies on the topic SRC/rpc [default: DEVICE/rpc-resp/CLIENT-ID]' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand describe" -l mqtt-pub-topic -d 'Topic of all requests [default: DEVICE/rpc/METHOD if the device listens there, else DEVICE/rpc]' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand describe" -l mqtt-sub-topic -d 'Topic of the replies [default: SRC/rpc]' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand describe" -l mqtt-will-topic -d 'Topic of the device\'s last will, read when the device does not reply' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand describe" -s q -l quiet -d 'Print only results, warnings and errors'
complete -c otactl -n "__fish_otactl_using_subcommand describe" -s v -l verbose -d 'Print more details; twice: also every frame'
complete -c otactl -n "__fish_otactl_using_subcommand describe" -l insecure -d 'Accept any TLS certificate, and warn'
complete -c otactl -n "__fish_otactl_using_subcommand describe" -l hw-flow-control -d 'Use hardware flow control (RTS and CTS); XON and XOFF are obeyed with and without it'
complete -c otactl -n "__fish_otactl_using_subcommand describe" -l no-set-control-lines -d 'Do not change DTR and RTS after opening'
complete -c otactl -n "__fish_otactl_using_subcommand describe" -l inverted-control-lines -d 'Treat DTR and RTS as inverted: asserted means released'
complete -c otactl -n "__fish_otactl_using_subcommand describe" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c otactl -n "__fish_otactl_using_subcommand info" -l get -d 'Print only this part of the result, such as `eth.ip`' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand info" -s p -l port -d 'Address of the device, such as ws://192.168.1.5' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand info" -s d -l device -d 'Name of the device, as `otactl devices` lists it' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand info" -l config -d 'Configuration file [default: otactl.toml in this directory or one above it, and ~/.config/otactl/config.toml]' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand info" -l timeout -d 'Time limit of a call to the device' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand info" -l jobs -d 'Number of devices that a command for several devices works on at a time' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand info" -l rpc-creds -d 'User and password for a device that requires them: USER:PASSWORD, @FILE, or - for a prompt' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand info" -l json -d 'Print JSON lines, or write them to FILE' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand info" -l color -d 'Colours in messages' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`; with CLICOLOR_FORCE and in the logs of GitHub and GitLab also elsewhere'
always\t'Also in a pipe or a file'
never\t'Not even on a terminal'"
complete -c otactl -n "__fish_otactl_using_subcommand info" -l ca-cert-file -d 'PEM file with the certificate authorities to trust, instead of those of the system' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand info" -l cert-file -d 'PEM file with the client certificate, for a server that requires one; with --key-file' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand info" -l key-file -d 'PEM file with the private key of --cert-file' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand info" -l baud-rate -d 'Speed of the port in bits per second' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand info" -l set-control-lines -d 'Release DTR and RTS after opening, so that the board runs' -r -f -a "true\t''
false\t''"
complete -c otactl -n "__fish_otactl_using_subcommand info" -l serial-framing -d 'How frames are delimited' -r -f -a "auto\t'Lines, or triple double quotes if the device does not understand lines'
line\t'Lines with a CRC'
quoted\t'Between triple double quotes, for old firmware'"
complete -c otactl -n "__fish_otactl_using_subcommand info" -l mqtt-password-file -d 'File with the password for the broker in its first line; - for a prompt' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand info" -l mqtt-client-id -d 'MQTT client id, for a broker whose rules require a certain one' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand info" -l mqtt-src -d 'Source name of the requests: the device replies on the topic SRC/rpc [default: DEVICE/rpc-resp/CLIENT-ID]' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand info" -l mqtt-pub-topic -d 'Topic of all requests [default: DEVICE/rpc/METHOD if the device listens there, else DEVICE/rpc]' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand info" -l mqtt-sub-topic -d 'Topic of the replies [default: SRC/rpc]' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand info" -l mqtt-will-topic -d 'Topic of the device\'s last will, read when the device does not reply' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand info" -s q -l quiet -d 'Print only results, warnings and errors'
complete -c otactl -n "__fish_otactl_using_subcommand info" -s v -l verbose -d 'Print more details; twice: also every frame'
complete -c otactl -n "__fish_otactl_using_subcommand info" -l insecure -d 'Accept any TLS certificate, and warn'
complete -c otactl -n "__fish_otactl_using_subcommand info" -l hw-flow-control -d 'Use hardware flow control (RTS and CTS); XON and XOFF are obeyed with and without it'
complete -c otactl -n "__fish_otactl_using_subcommand info" -l no-set-control-lines -d 'Do not change DTR and RTS after opening'
complete -c otactl -n "__fish_otactl_using_subcommand info" -l inverted-control-lines -d 'Treat DTR and RTS as inverted: asserted means released'
complete -c otactl -n "__fish_otactl_using_subcommand info" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c otactl -n "__fish_otactl_using_subcommand ping" -s n -l count -d 'Ping this many times, and show the times' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand ping" -s p -l port -d 'Address of the device, such as ws://192.168.1.5' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand ping" -s d -l device -d 'Name of the device, as `otactl devices` lists it' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand ping" -l config -d 'Configuration file [default: otactl.toml in this directory or one above it, and ~/.config/otactl/config.toml]' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand ping" -l timeout -d 'Time limit of a call to the device' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand ping" -l jobs -d 'Number of devices that a command for several devices works on at a time' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand ping" -l rpc-creds -d 'User and password for a device that requires them: USER:PASSWORD, @FILE, or - for a prompt' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand ping" -l json -d 'Print JSON lines, or write them to FILE' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand ping" -l color -d 'Colours in messages' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`; with CLICOLOR_FORCE and in the logs of GitHub and GitLab also elsewhere'
always\t'Also in a pipe or a file'
never\t'Not even on a terminal'"
complete -c otactl -n "__fish_otactl_using_subcommand ping" -l ca-cert-file -d 'PEM file with the certificate authorities to trust, instead of those of the system' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand ping" -l cert-file -d 'PEM file with the client certificate, for a server that requires one; with --key-file' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand ping" -l key-file -d 'PEM file with the private key of --cert-file' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand ping" -l baud-rate -d 'Speed of the port in bits per second' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand ping" -l set-control-lines -d 'Release DTR and RTS after opening, so that the board runs' -r -f -a "true\t''
false\t''"
complete -c otactl -n "__fish_otactl_using_subcommand ping" -l serial-framing -d 'How frames are delimited' -r -f -a "auto\t'Lines, or triple double quotes if the device does not understand lines'
line\t'Lines with a CRC'
quoted\t'Between triple double quotes, for old firmware'"
complete -c otactl -n "__fish_otactl_using_subcommand ping" -l mqtt-password-file -d 'File with the password for the broker in its first line; - for a prompt' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand ping" -l mqtt-client-id -d 'MQTT client id, for a broker whose rules require a certain one' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand ping" -l mqtt-src -d 'Source name of the requests: the device replies on the topic SRC/rpc [default: DEVICE/rpc-resp/CLIENT-ID]' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand ping" -l mqtt-pub-topic -d 'Topic of all requests [default: DEVICE/rpc/METHOD if the device listens there, else DEVICE/rpc]' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand ping" -l mqtt-sub-topic -d 'Topic of the replies [default: SRC/rpc]' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand ping" -l mqtt-will-topic -d 'Topic of the device\'s last will, read when the device does not reply' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand ping" -s q -l quiet -d 'Print only results, warnings and errors'
complete -c otactl -n "__fish_otactl_using_subcommand ping" -s v -l verbose -d 'Print more details; twice: also every frame'
complete -c otactl -n "__fish_otactl_using_subcommand ping" -l insecure -d 'Accept any TLS certificate, and warn'
complete -c otactl -n "__fish_otactl_using_subcommand ping" -l hw-flow-control -d 'Use hardware flow control (RTS and CTS); XON and XOFF are obeyed with and without it'
complete -c otactl -n "__fish_otactl_using_subcommand ping" -l no-set-control-lines -d 'Do not change DTR and RTS after opening'
complete -c otactl -n "__fish_otactl_using_subcommand ping" -l inverted-control-lines -d 'Treat DTR and RTS as inverted: asserted means released'
complete -c otactl -n "__fish_otactl_using_subcommand ping" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c otactl -n "__fish_otactl_using_subcommand reboot" -l delay-ms -d 'Time from the reply to the reboot, in milliseconds [default: that of the device]' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand reboot" -s p -l port -d 'Address of the device, such as ws://192.168.1.5' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand reboot" -s d -l device -d 'Name of the device, as `otactl devices` lists it' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand reboot" -l config -d 'Configuration file [default: otactl.toml in this directory or one above it, and ~/.config/otactl/config.toml]' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand reboot" -l timeout -d 'Time limit of a call to the device' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand reboot" -l jobs -d 'Number of devices that a command for several devices works on at a time' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand reboot" -l rpc-creds -d 'User and password for a device that requires them: USER:PASSWORD, @FILE, or - for a prompt' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand reboot" -l json -d 'Print JSON lines, or write them to FILE' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand reboot" -l color -d 'Colours in messages' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`; with CLICOLOR_FORCE and in the logs of GitHub and GitLab also elsewhere'
always\t'Also in a pipe or a file'
never\t'Not even on a terminal'"
complete -c otactl -n "__fish_otactl_using_subcommand reboot" -l ca-cert-file -d 'PEM file with the certificate authorities to trust, instead of those of the system' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand reboot" -l cert-file -d 'PEM file with the client certificate, for a server that requires one; with --key-file' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand reboot" -l key-file -d 'PEM file with the private key of --cert-file' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand reboot" -l baud-rate -d 'Speed of the port in bits per second' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand reboot" -l set-control-lines -d 'Release DTR and RTS after opening, so that the board runs' -r -f -a "true\t''
false\t''"
complete -c otactl -n "__fish_otactl_using_subcommand reboot" -l serial-framing -d 'How frames are delimited' -r -f -a "auto\t'Lines, or triple double quotes if the device does not understand lines'
line\t'Lines with a CRC'
quoted\t'Between triple double quotes, for old firmware'"
complete -c otactl -n "__fish_otactl_using_subcommand reboot" -l mqtt-password-file -d 'File with the password for the broker in its first line; - for a prompt' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand reboot" -l mqtt-client-id -d 'MQTT client id, for a broker whose rules require a certain one' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand reboot" -l mqtt-src -d 'Source name of the requests: the device replies on the topic SRC/rpc [default: DEVICE/rpc-resp/CLIENT-ID]' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand reboot" -l mqtt-pub-topic -d 'Topic of all requests [default: DEVICE/rpc/METHOD if the device listens there, else DEVICE/rpc]' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand reboot" -l mqtt-sub-topic -d 'Topic of the replies [default: SRC/rpc]' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand reboot" -l mqtt-will-topic -d 'Topic of the device\'s last will, read when the device does not reply' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand reboot" -l force -d 'Reboot even if this causes a rollback'
complete -c otactl -n "__fish_otactl_using_subcommand reboot" -s q -l quiet -d 'Print only results, warnings and errors'
complete -c otactl -n "__fish_otactl_using_subcommand reboot" -s v -l verbose -d 'Print more details; twice: also every frame'
complete -c otactl -n "__fish_otactl_using_subcommand reboot" -l insecure -d 'Accept any TLS certificate, and warn'
complete -c otactl -n "__fish_otactl_using_subcommand reboot" -l hw-flow-control -d 'Use hardware flow control (RTS and CTS); XON and XOFF are obeyed with and without it'
complete -c otactl -n "__fish_otactl_using_subcommand reboot" -l no-set-control-lines -d 'Do not change DTR and RTS after opening'
complete -c otactl -n "__fish_otactl_using_subcommand reboot" -l inverted-control-lines -d 'Treat DTR and RTS as inverted: asserted means released'
complete -c otactl -n "__fish_otactl_using_subcommand reboot" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c otactl -n "__fish_otactl_using_subcommand ports" -s p -l port -d 'Address of the device, such as ws://192.168.1.5' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand ports" -s d -l device -d 'Name of the device, as `otactl devices` lists it' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand ports" -l config -d 'Configuration file [default: otactl.toml in this directory or one above it, and ~/.config/otactl/config.toml]' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand ports" -l timeout -d 'Time limit of a call to the device' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand ports" -l jobs -d 'Number of devices that a command for several devices works on at a time' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand ports" -l rpc-creds -d 'User and password for a device that requires them: USER:PASSWORD, @FILE, or - for a prompt' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand ports" -l json -d 'Print JSON lines, or write them to FILE' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand ports" -l color -d 'Colours in messages' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`; with CLICOLOR_FORCE and in the logs of GitHub and GitLab also elsewhere'
always\t'Also in a pipe or a file'
never\t'Not even on a terminal'"
complete -c otactl -n "__fish_otactl_using_subcommand ports" -l ca-cert-file -d 'PEM file with the certificate authorities to trust, instead of those of the system' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand ports" -l cert-file -d 'PEM file with the client certificate, for a server that requires one; with --key-file' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand ports" -l key-file -d 'PEM file with the private key of --cert-file' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand ports" -l baud-rate -d 'Speed of the port in bits per second' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand ports" -l set-control-lines -d 'Release DTR and RTS after opening, so that the board runs' -r -f -a "true\t''
false\t''"
complete -c otactl -n "__fish_otactl_using_subcommand ports" -l serial-framing -d 'How frames are delimited' -r -f -a "auto\t'Lines, or triple double quotes if the device does not understand lines'
line\t'Lines with a CRC'
quoted\t'Between triple double quotes, for old firmware'"
complete -c otactl -n "__fish_otactl_using_subcommand ports" -l mqtt-password-file -d 'File with the password for the broker in its first line; - for a prompt' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand ports" -l mqtt-client-id -d 'MQTT client id, for a broker whose rules require a certain one' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand ports" -l mqtt-src -d 'Source name of the requests: the device replies on the topic SRC/rpc [default: DEVICE/rpc-resp/CLIENT-ID]' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand ports" -l mqtt-pub-topic -d 'Topic of all requests [default: DEVICE/rpc/METHOD if the device listens there, else DEVICE/rpc]' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand ports" -l mqtt-sub-topic -d 'Topic of the replies [default: SRC/rpc]' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand ports" -l mqtt-will-topic -d 'Topic of the device\'s last will, read when the device does not reply' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand ports" -l watch -d 'Go on, and print the ports that come and go'
complete -c otactl -n "__fish_otactl_using_subcommand ports" -s q -l quiet -d 'Print only results, warnings and errors'
complete -c otactl -n "__fish_otactl_using_subcommand ports" -s v -l verbose -d 'Print more details; twice: also every frame'
complete -c otactl -n "__fish_otactl_using_subcommand ports" -l insecure -d 'Accept any TLS certificate, and warn'
complete -c otactl -n "__fish_otactl_using_subcommand ports" -l hw-flow-control -d 'Use hardware flow control (RTS and CTS); XON and XOFF are obeyed with and without it'
complete -c otactl -n "__fish_otactl_using_subcommand ports" -l no-set-control-lines -d 'Do not change DTR and RTS after opening'
complete -c otactl -n "__fish_otactl_using_subcommand ports" -l inverted-control-lines -d 'Treat DTR and RTS as inverted: asserted means released'
complete -c otactl -n "__fish_otactl_using_subcommand ports" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c otactl -n "__fish_otactl_using_subcommand devices; and not __fish_seen_subcommand_from add remove" -s p -l port -d 'Address of the device, such as ws://192.168.1.5' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand devices; and not __fish_seen_subcommand_from add remove" -s d -l device -d 'Name of the device, as `otactl devices` lists it' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand devices; and not __fish_seen_subcommand_from add remove" -l config -d 'Configuration file [default: otactl.toml in this directory or one above it, and ~/.config/otactl/config.toml]' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand devices; and not __fish_seen_subcommand_from add remove" -l timeout -d 'Time limit of a call to the device' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand devices; and not __fish_seen_subcommand_from add remove" -l jobs -d 'Number of devices that a command for several devices works on at a time' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand devices; and not __fish_seen_subcommand_from add remove" -l rpc-creds -d 'User and password for a device that requires them: USER:PASSWORD, @FILE, or - for a prompt' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand devices; and not __fish_seen_subcommand_from add remove" -l json -d 'Print JSON lines, or write them to FILE' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand devices; and not __fish_seen_subcommand_from add remove" -l color -d 'Colours in messages' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`; with CLICOLOR_FORCE and in the logs of GitHub and GitLab also elsewhere'
always\t'Also in a pipe or a file'
never\t'Not even on a terminal'"
complete -c otactl -n "__fish_otactl_using_subcommand devices; and not __fish_seen_subcommand_from add remove" -l ca-cert-file -d 'PEM file with the certificate authorities to trust, instead of those of the system' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand devices; and not __fish_seen_subcommand_from add remove" -l cert-file -d 'PEM file with the client certificate, for a server that requires one; with --key-file' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand devices; and not __fish_seen_subcommand_from add remove" -l key-file -d 'PEM file with the private key of --cert-file' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand devices; and not __fish_seen_subcommand_from add remove" -l baud-rate -d 'Speed of the port in bits per second' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand devices; and not __fish_seen_subcommand_from add remove" -l set-control-lines -d 'Release DTR and RTS after opening, so that the board runs' -r -f -a "true\t''
false\t''"
complete -c otactl -n "__fish_otactl_using_subcommand devices; and not __fish_seen_subcommand_from add remove" -l serial-framing -d 'How frames are delimited' -r -f -a "auto\t'Lines, or triple double quotes if the device does not understand lines'
line\t'Lines with a CRC'
quoted\t'Between triple double quotes, for old firmware'"
complete -c otactl -n "__fish_otactl_using_subcommand devices; and not __fish_seen_subcommand_from add remove" -l mqtt-password-file -d 'File with the password for the broker in its first line; - for a prompt' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand devices; and not __fish_seen_subcommand_from add remove" -l mqtt-client-id -d 'MQTT client id, for a broker whose rules require a certain one' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand devices; and not __fish_seen_subcommand_from add remove" -l mqtt-src -d 'Source name of the requests: the device replies on the topic SRC/rpc [default: DEVICE/rpc-resp/CLIENT-ID]' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand devices; and not __fish_seen_subcommand_from add remove" -l mqtt-pub-topic -d 'Topic of all requests [default: DEVICE/rpc/METHOD if the device listens there, else DEVICE/rpc]' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand devices; and not __fish_seen_subcommand_from add remove" -l mqtt-sub-topic -d 'Topic of the replies [default: SRC/rpc]' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand devices; and not __fish_seen_subcommand_from add remove" -l mqtt-will-topic -d 'Topic of the device\'s last will, read when the device does not reply' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand devices; and not __fish_seen_subcommand_from add remove" -l probe -d 'Ask each device what it runs'
complete -c otactl -n "__fish_otactl_using_subcommand devices; and not __fish_seen_subcommand_from add remove" -s q -l quiet -d 'Print only results, warnings and errors'
complete -c otactl -n "__fish_otactl_using_subcommand devices; and not __fish_seen_subcommand_from add remove" -s v -l verbose -d 'Print more details; twice: also every frame'
complete -c otactl -n "__fish_otactl_using_subcommand devices; and not __fish_seen_subcommand_from add remove" -l insecure -d 'Accept any TLS certificate, and warn'
complete -c otactl -n "__fish_otactl_using_subcommand devices; and not __fish_seen_subcommand_from add remove" -l hw-flow-control -d 'Use hardware flow control (RTS and CTS); XON and XOFF are obeyed with and without it'
complete -c otactl -n "__fish_otactl_using_subcommand devices; and not __fish_seen_subcommand_from add remove" -l no-set-control-lines -d 'Do not change DTR and RTS after opening'
complete -c otactl -n "__fish_otactl_using_subcommand devices; and not __fish_seen_subcommand_from add remove" -l inverted-control-lines -d 'Treat DTR and RTS as inverted: asserted means released'
complete -c otactl -n "__fish_otactl_using_subcommand devices; and not __fish_seen_subcommand_from add remove" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c otactl -n "__fish_otactl_using_subcommand devices; and not __fish_seen_subcommand_from add remove" -f -a "add" -d 'Give the device of --port a name'
complete -c otactl -n "__fish_otactl_using_subcommand devices; and not __fish_seen_subcommand_from add remove" -f -a "remove" -d 'Forget a device'
complete -c otactl -n "__fish_otactl_using_subcommand devices; and __fish_seen_subcommand_from add" -s p -l port -d 'Address of the device, such as ws://192.168.1.5' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand devices; and __fish_seen_subcommand_from add" -s d -l device -d 'Name of the device, as `otactl devices` lists it' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand devices; and __fish_seen_subcommand_from add" -l config -d 'Configuration file [default: otactl.toml in this directory or one above it, and ~/.config/otactl/config.toml]' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand devices; and __fish_seen_subcommand_from add" -l timeout -d 'Time limit of a call to the device' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand devices; and __fish_seen_subcommand_from add" -l jobs -d 'Number of devices that a command for several devices works on at a time' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand devices; and __fish_seen_subcommand_from add" -l rpc-creds -d 'User and password for a device that requires them: USER:PASSWORD, @FILE, or - for a prompt' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand devices; and __fish_seen_subcommand_from add" -l json -d 'Print JSON lines, or write them to FILE' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand devices; and __fish_seen_subcommand_from add" -l color -d 'Colours in messages' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`; with CLICOLOR_FORCE and in the logs of GitHub and GitLab also elsewhere'
always\t'Also in a pipe or a file'
never\t'Not even on a terminal'"
complete -c otactl -n "__fish_otactl_using_subcommand devices; and __fish_seen_subcommand_from add" -l ca-cert-file -d 'PEM file with the certificate authorities to trust, instead of those of the system' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand devices; and __fish_seen_subcommand_from add" -l cert-file -d 'PEM file with the client certificate, for a server that requires one; with --key-file' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand devices; and __fish_seen_subcommand_from add" -l key-file -d 'PEM file with the private key of --cert-file' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand devices; and __fish_seen_subcommand_from add" -l baud-rate -d 'Speed of the port in bits per second' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand devices; and __fish_seen_subcommand_from add" -l set-control-lines -d 'Release DTR and RTS after opening, so that the board runs' -r -f -a "true\t''
false\t''"
complete -c otactl -n "__fish_otactl_using_subcommand devices; and __fish_seen_subcommand_from add" -l serial-framing -d 'How frames are delimited' -r -f -a "auto\t'Lines, or triple double quotes if the device does not understand lines'
line\t'Lines with a CRC'
quoted\t'Between triple double quotes, for old firmware'"
complete -c otactl -n "__fish_otactl_using_subcommand devices; and __fish_seen_subcommand_from add" -l mqtt-password-file -d 'File with the password for the broker in its first line; - for a prompt' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand devices; and __fish_seen_subcommand_from add" -l mqtt-client-id -d 'MQTT client id, for a broker whose rules require a certain one' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand devices; and __fish_seen_subcommand_from add" -l mqtt-src -d 'Source name of the requests: the device replies on the topic SRC/rpc [default: DEVICE/rpc-resp/CLIENT-ID]' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand devices; and __fish_seen_subcommand_from add" -l mqtt-pub-topic -d 'Topic of all requests [default: DEVICE/rpc/METHOD if the device listens there, else DEVICE/rpc]' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand devices; and __fish_seen_subcommand_from add" -l mqtt-sub-topic -d 'Topic of the replies [default: SRC/rpc]' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand devices; and __fish_seen_subcommand_from add" -l mqtt-will-topic -d 'Topic of the device\'s last will, read when the device does not reply' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand devices; and __fish_seen_subcommand_from add" -s q -l quiet -d 'Print only results, warnings and errors'
complete -c otactl -n "__fish_otactl_using_subcommand devices; and __fish_seen_subcommand_from add" -s v -l verbose -d 'Print more details; twice: also every frame'
complete -c otactl -n "__fish_otactl_using_subcommand devices; and __fish_seen_subcommand_from add" -l insecure -d 'Accept any TLS certificate, and warn'
complete -c otactl -n "__fish_otactl_using_subcommand devices; and __fish_seen_subcommand_from add" -l hw-flow-control -d 'Use hardware flow control (RTS and CTS); XON and XOFF are obeyed with and without it'
complete -c otactl -n "__fish_otactl_using_subcommand devices; and __fish_seen_subcommand_from add" -l no-set-control-lines -d 'Do not change DTR and RTS after opening'
complete -c otactl -n "__fish_otactl_using_subcommand devices; and __fish_seen_subcommand_from add" -l inverted-control-lines -d 'Treat DTR and RTS as inverted: asserted means released'
complete -c otactl -n "__fish_otactl_using_subcommand devices; and __fish_seen_subcommand_from add" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c otactl -n "__fish_otactl_using_subcommand devices; and __fish_seen_subcommand_from remove" -s p -l port -d 'Address of the device, such as ws://192.168.1.5' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand devices; and __fish_seen_subcommand_from remove" -s d -l device -d 'Name of the device, as `otactl devices` lists it' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand devices; and __fish_seen_subcommand_from remove" -l config -d 'Configuration file [default: otactl.toml in this directory or one above it, and ~/.config/otactl/config.toml]' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand devices; and __fish_seen_subcommand_from remove" -l timeout -d 'Time limit of a call to the device' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand devices; and __fish_seen_subcommand_from remove" -l jobs -d 'Number of devices that a command for several devices works on at a time' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand devices; and __fish_seen_subcommand_from remove" -l rpc-creds -d 'User and password for a device that requires them: USER:PASSWORD, @FILE, or - for a prompt' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand devices; and __fish_seen_subcommand_from remove" -l json -d 'Print JSON lines, or write them to FILE' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand devices; and __fish_seen_subcommand_from remove" -l color -d 'Colours in messages' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`; with CLICOLOR_FORCE and in the logs of GitHub and GitLab also elsewhere'
always\t'Also in a pipe or a file'
never\t'Not even on a terminal'"
complete -c otactl -n "__fish_otactl_using_subcommand devices; and __fish_seen_subcommand_from remove" -l ca-cert-file -d 'PEM file with the certificate authorities to trust, instead of those of the system' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand devices; and __fish_seen_subcommand_from remove" -l cert-file -d 'PEM file with the client certificate, for a server that requires one; with --key-file' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand devices; and __fish_seen_subcommand_from remove" -l key-file -d 'PEM file with the private key of --cert-file' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand devices; and __fish_seen_subcommand_from remove" -l baud-rate -d 'Speed of the port in bits per second' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand devices; and __fish_seen_subcommand_from remove" -l set-control-lines -d 'Release DTR and RTS after opening, so that the board runs' -r -f -a "true\t''
false\t''"
complete -c otactl -n "__fish_otactl_using_subcommand devices; and __fish_seen_subcommand_from remove" -l serial-framing -d 'How frames are delimited' -r -f -a "auto\t'Lines, or triple double quotes if the device does not understand lines'
line\t'Lines with a CRC'
quoted\t'Between triple double quotes, for old firmware'"
complete -c otactl -n "__fish_otactl_using_subcommand devices; and __fish_seen_subcommand_from remove" -l mqtt-password-file -d 'File with the password for the broker in its first line; - for a prompt' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand devices; and __fish_seen_subcommand_from remove" -l mqtt-client-id -d 'MQTT client id, for a broker whose rules require a certain one' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand devices; and __fish_seen_subcommand_from remove" -l mqtt-src -d 'Source name of the requests: the device replies on the topic SRC/rpc [default: DEVICE/rpc-resp/CLIENT-ID]' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand devices; and __fish_seen_subcommand_from remove" -l mqtt-pub-topic -d 'Topic of all requests [default: DEVICE/rpc/METHOD if the device listens there, else DEVICE/rpc]' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand devices; and __fish_seen_subcommand_from remove" -l mqtt-sub-topic -d 'Topic of the replies [default: SRC/rpc]' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand devices; and __fish_seen_subcommand_from remove" -l mqtt-will-topic -d 'Topic of the device\'s last will, read when the device does not reply' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand devices; and __fish_seen_subcommand_from remove" -s q -l quiet -d 'Print only results, warnings and errors'
complete -c otactl -n "__fish_otactl_using_subcommand devices; and __fish_seen_subcommand_from remove" -s v -l verbose -d 'Print more details; twice: also every frame'
complete -c otactl -n "__fish_otactl_using_subcommand devices; and __fish_seen_subcommand_from remove" -l insecure -d 'Accept any TLS certificate, and warn'
complete -c otactl -n "__fish_otactl_using_subcommand devices; and __fish_seen_subcommand_from remove" -l hw-flow-control -d 'Use hardware flow control (RTS and CTS); XON and XOFF are obeyed with and without it'
complete -c otactl -n "__fish_otactl_using_subcommand devices; and __fish_seen_subcommand_from remove" -l no-set-control-lines -d 'Do not change DTR and RTS after opening'
complete -c otactl -n "__fish_otactl_using_subcommand devices; and __fish_seen_subcommand_from remove" -l inverted-control-lines -d 'Treat DTR and RTS as inverted: asserted means released'
complete -c otactl -n "__fish_otactl_using_subcommand devices; and __fish_seen_subcommand_from remove" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c otactl -n "__fish_otactl_using_subcommand discover" -l mqtt -d 'Broker whose devices to find: mqtt://[USER@]BROKER[:PORT] or mqtts://...' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand discover" -l for -d 'How long to look for devices' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand discover" -s p -l port -d 'Address of the device, such as ws://192.168.1.5' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand discover" -s d -l device -d 'Name of the device, as `otactl devices` lists it' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand discover" -l config -d 'Configuration file [default: otactl.toml in this directory or one above it, and ~/.config/otactl/config.toml]' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand discover" -l timeout -d 'Time limit of a call to the device' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand discover" -l jobs -d 'Number of devices that a command for several devices works on at a time' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand discover" -l rpc-creds -d 'User and password for a device that requires them: USER:PASSWORD, @FILE, or - for a prompt' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand discover" -l json -d 'Print JSON lines, or write them to FILE' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand discover" -l color -d 'Colours in messages' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`; with CLICOLOR_FORCE and in the logs of GitHub and GitLab also elsewhere'
always\t'Also in a pipe or a file'
never\t'Not even on a terminal'"
complete -c otactl -n "__fish_otactl_using_subcommand discover" -l ca-cert-file -d 'PEM file with the certificate authorities to trust, instead of those of the system' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand discover" -l cert-file -d 'PEM file with the client certificate, for a server that requires one; with --key-file' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand discover" -l key-file -d 'PEM file with the private key of --cert-file' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand discover" -l baud-rate -d 'Speed of the port in bits per second' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand discover" -l set-control-lines -d 'Release DTR and RTS after opening, so that the board runs' -r -f -a "true\t''
false\t''"
complete -c otactl -n "__fish_otactl_using_subcommand discover" -l serial-framing -d 'How frames are delimited' -r -f -a "auto\t'Lines, or triple double quotes if the device does not understand lines'
line\t'Lines with a CRC'
quoted\t'Between triple double quotes, for old firmware'"
complete -c otactl -n "__fish_otactl_using_subcommand discover" -l mqtt-password-file -d 'File with the password for the broker in its first line; - for a prompt' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand discover" -l mqtt-client-id -d 'MQTT client id, for a broker whose rules require a certain one' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand discover" -l mqtt-src -d 'Source name of the requests: the device replies on the topic SRC/rpc [default: DEVICE/rpc-resp/CLIENT-ID]' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand discover" -l mqtt-pub-topic -d 'Topic of all requests [default: DEVICE/rpc/METHOD if the device listens there, else DEVICE/rpc]' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand discover" -l mqtt-sub-topic -d 'Topic of the replies [default: SRC/rpc]' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand discover" -l mqtt-will-topic -d 'Topic of the device\'s last will, read when the device does not reply' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand discover" -l add -d 'Give each device its id as a name in the configuration file'
complete -c otactl -n "__fish_otactl_using_subcommand discover" -s q -l quiet -d 'Print only results, warnings and errors'
complete -c otactl -n "__fish_otactl_using_subcommand discover" -s v -l verbose -d 'Print more details; twice: also every frame'
complete -c otactl -n "__fish_otactl_using_subcommand discover" -l insecure -d 'Accept any TLS certificate, and warn'
complete -c otactl -n "__fish_otactl_using_subcommand discover" -l hw-flow-control -d 'Use hardware flow control (RTS and CTS); XON and XOFF are obeyed with and without it'
complete -c otactl -n "__fish_otactl_using_subcommand discover" -l no-set-control-lines -d 'Do not change DTR and RTS after opening'
complete -c otactl -n "__fish_otactl_using_subcommand discover" -l inverted-control-lines -d 'Treat DTR and RTS as inverted: asserted means released'
complete -c otactl -n "__fish_otactl_using_subcommand discover" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c otactl -n "__fish_otactl_using_subcommand simulate" -l listen -d 'WebSocket and HTTP' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand simulate" -l tcp -d 'Plain TCP too' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand simulate" -l udp -d 'UDP too' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand simulate" -l mqtt -d 'Connect the device to this broker' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand simulate" -l mqtt-generation -d 'Generation of the device\'s MQTT library' -r -f -a "twice\t'Since 2021-06: executes a request on DEVICE/rpc twice'
single\t'Before 2021-06: executes each request once'
plain\t'Does not listen on DEVICE/rpc/METHOD'"
complete -c otactl -n "__fish_otactl_using_subcommand simulate" -l tls -d 'Address to listen on for WebSocket and HTTP over TLS; with --tls-cert and --tls-key' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand simulate" -l tls-cert -d 'PEM file with the certificate for --tls, and the intermediate certificates' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand simulate" -l tls-key -d 'PEM file with the private key of --tls-cert' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand simulate" -l generation -d 'Generation of the device\'s OTA service' -r -f -a "2018\t'Pull only; a lost connection ends the download'
2019\t'Pull (needs a licence; resumes after a lost connection) and push'
2022\t'As 2019, with stricter checks of a bundle'"
complete -c otactl -n "__fish_otactl_using_subcommand simulate" -l id -d 'Id of the device' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand simulate" -l platform -d 'Platform of the device' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand simulate" -l reboot-delay -d 'Duration of a reboot' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand simulate" -l auth -d 'Require these credentials: USER:PASSWORD[:REALM]' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand simulate" -l auth-algo -d 'Hash algorithm of the digest authentication' -r -f -a "md5\t''
sha-256\t''"
complete -c otactl -n "__fish_otactl_using_subcommand simulate" -l state -d 'Directory for the contents of the flash; without it, the device starts with its factory firmware' -r -f -a "(__fish_complete_directories)"
complete -c otactl -n "__fish_otactl_using_subcommand simulate" -l fault -d 'Simulate a fault; may be given several times' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand simulate" -s p -l port -d 'Address of the device, such as ws://192.168.1.5' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand simulate" -s d -l device -d 'Name of the device, as `otactl devices` lists it' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand simulate" -l config -d 'Configuration file [default: otactl.toml in this directory or one above it, and ~/.config/otactl/config.toml]' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand simulate" -l timeout -d 'Time limit of a call to the device' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand simulate" -l jobs -d 'Number of devices that a command for several devices works on at a time' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand simulate" -l rpc-creds -d 'User and password for a device that requires them: USER:PASSWORD, @FILE, or - for a prompt' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand simulate" -l json -d 'Print JSON lines, or write them to FILE' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand simulate" -l color -d 'Colours in messages' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`; with CLICOLOR_FORCE and in the logs of GitHub and GitLab also elsewhere'
always\t'Also in a pipe or a file'
never\t'Not even on a terminal'"
complete -c otactl -n "__fish_otactl_using_subcommand simulate" -l ca-cert-file -d 'PEM file with the certificate authorities to trust, instead of those of the system' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand simulate" -l cert-file -d 'PEM file with the client certificate, for a server that requires one; with --key-file' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand simulate" -l key-file -d 'PEM file with the private key of --cert-file' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand simulate" -l baud-rate -d 'Speed of the port in bits per second' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand simulate" -l set-control-lines -d 'Release DTR and RTS after opening, so that the board runs' -r -f -a "true\t''
false\t''"
complete -c otactl -n "__fish_otactl_using_subcommand simulate" -l serial-framing -d 'How frames are delimited' -r -f -a "auto\t'Lines, or triple double quotes if the device does not understand lines'
line\t'Lines with a CRC'
quoted\t'Between triple double quotes, for old firmware'"
complete -c otactl -n "__fish_otactl_using_subcommand simulate" -l mqtt-password-file -d 'File with the password for the broker in its first line; - for a prompt' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand simulate" -l mqtt-client-id -d 'MQTT client id, for a broker whose rules require a certain one' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand simulate" -l mqtt-src -d 'Source name of the requests: the device replies on the topic SRC/rpc [default: DEVICE/rpc-resp/CLIENT-ID]' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand simulate" -l mqtt-pub-topic -d 'Topic of all requests [default: DEVICE/rpc/METHOD if the device listens there, else DEVICE/rpc]' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand simulate" -l mqtt-sub-topic -d 'Topic of the replies [default: SRC/rpc]' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand simulate" -l mqtt-will-topic -d 'Topic of the device\'s last will, read when the device does not reply' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand simulate" -l serial -d 'Serve a serial port too, and print its path'
complete -c otactl -n "__fish_otactl_using_subcommand simulate" -l console-noise -d 'Write console output between the frames on the serial port'
complete -c otactl -n "__fish_otactl_using_subcommand simulate" -l unlicensed -d 'Refuse every URL, as a device without a licence does; no effect with --generation 2018'
complete -c otactl -n "__fish_otactl_using_subcommand simulate" -s q -l quiet -d 'Print only results, warnings and errors'
complete -c otactl -n "__fish_otactl_using_subcommand simulate" -s v -l verbose -d 'Print more details; twice: also every frame'
complete -c otactl -n "__fish_otactl_using_subcommand simulate" -l insecure -d 'Accept any TLS certificate, and warn'
complete -c otactl -n "__fish_otactl_using_subcommand simulate" -l hw-flow-control -d 'Use hardware flow control (RTS and CTS); XON and XOFF are obeyed with and without it'
complete -c otactl -n "__fish_otactl_using_subcommand simulate" -l no-set-control-lines -d 'Do not change DTR and RTS after opening'
complete -c otactl -n "__fish_otactl_using_subcommand simulate" -l inverted-control-lines -d 'Treat DTR and RTS as inverted: asserted means released'
complete -c otactl -n "__fish_otactl_using_subcommand simulate" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c otactl -n "__fish_otactl_using_subcommand explain" -s p -l port -d 'Address of the device, such as ws://192.168.1.5' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand explain" -s d -l device -d 'Name of the device, as `otactl devices` lists it' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand explain" -l config -d 'Configuration file [default: otactl.toml in this directory or one above it, and ~/.config/otactl/config.toml]' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand explain" -l timeout -d 'Time limit of a call to the device' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand explain" -l jobs -d 'Number of devices that a command for several devices works on at a time' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand explain" -l rpc-creds -d 'User and password for a device that requires them: USER:PASSWORD, @FILE, or - for a prompt' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand explain" -l json -d 'Print JSON lines, or write them to FILE' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand explain" -l color -d 'Colours in messages' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`; with CLICOLOR_FORCE and in the logs of GitHub and GitLab also elsewhere'
always\t'Also in a pipe or a file'
never\t'Not even on a terminal'"
complete -c otactl -n "__fish_otactl_using_subcommand explain" -l ca-cert-file -d 'PEM file with the certificate authorities to trust, instead of those of the system' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand explain" -l cert-file -d 'PEM file with the client certificate, for a server that requires one; with --key-file' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand explain" -l key-file -d 'PEM file with the private key of --cert-file' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand explain" -l baud-rate -d 'Speed of the port in bits per second' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand explain" -l set-control-lines -d 'Release DTR and RTS after opening, so that the board runs' -r -f -a "true\t''
false\t''"
complete -c otactl -n "__fish_otactl_using_subcommand explain" -l serial-framing -d 'How frames are delimited' -r -f -a "auto\t'Lines, or triple double quotes if the device does not understand lines'
line\t'Lines with a CRC'
quoted\t'Between triple double quotes, for old firmware'"
complete -c otactl -n "__fish_otactl_using_subcommand explain" -l mqtt-password-file -d 'File with the password for the broker in its first line; - for a prompt' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand explain" -l mqtt-client-id -d 'MQTT client id, for a broker whose rules require a certain one' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand explain" -l mqtt-src -d 'Source name of the requests: the device replies on the topic SRC/rpc [default: DEVICE/rpc-resp/CLIENT-ID]' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand explain" -l mqtt-pub-topic -d 'Topic of all requests [default: DEVICE/rpc/METHOD if the device listens there, else DEVICE/rpc]' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand explain" -l mqtt-sub-topic -d 'Topic of the replies [default: SRC/rpc]' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand explain" -l mqtt-will-topic -d 'Topic of the device\'s last will, read when the device does not reply' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand explain" -s q -l quiet -d 'Print only results, warnings and errors'
complete -c otactl -n "__fish_otactl_using_subcommand explain" -s v -l verbose -d 'Print more details; twice: also every frame'
complete -c otactl -n "__fish_otactl_using_subcommand explain" -l insecure -d 'Accept any TLS certificate, and warn'
complete -c otactl -n "__fish_otactl_using_subcommand explain" -l hw-flow-control -d 'Use hardware flow control (RTS and CTS); XON and XOFF are obeyed with and without it'
complete -c otactl -n "__fish_otactl_using_subcommand explain" -l no-set-control-lines -d 'Do not change DTR and RTS after opening'
complete -c otactl -n "__fish_otactl_using_subcommand explain" -l inverted-control-lines -d 'Treat DTR and RTS as inverted: asserted means released'
complete -c otactl -n "__fish_otactl_using_subcommand explain" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c otactl -n "__fish_otactl_using_subcommand completions" -s p -l port -d 'Address of the device, such as ws://192.168.1.5' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand completions" -s d -l device -d 'Name of the device, as `otactl devices` lists it' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand completions" -l config -d 'Configuration file [default: otactl.toml in this directory or one above it, and ~/.config/otactl/config.toml]' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand completions" -l timeout -d 'Time limit of a call to the device' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand completions" -l jobs -d 'Number of devices that a command for several devices works on at a time' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand completions" -l rpc-creds -d 'User and password for a device that requires them: USER:PASSWORD, @FILE, or - for a prompt' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand completions" -l json -d 'Print JSON lines, or write them to FILE' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand completions" -l color -d 'Colours in messages' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`; with CLICOLOR_FORCE and in the logs of GitHub and GitLab also elsewhere'
always\t'Also in a pipe or a file'
never\t'Not even on a terminal'"
complete -c otactl -n "__fish_otactl_using_subcommand completions" -l ca-cert-file -d 'PEM file with the certificate authorities to trust, instead of those of the system' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand completions" -l cert-file -d 'PEM file with the client certificate, for a server that requires one; with --key-file' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand completions" -l key-file -d 'PEM file with the private key of --cert-file' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand completions" -l baud-rate -d 'Speed of the port in bits per second' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand completions" -l set-control-lines -d 'Release DTR and RTS after opening, so that the board runs' -r -f -a "true\t''
false\t''"
complete -c otactl -n "__fish_otactl_using_subcommand completions" -l serial-framing -d 'How frames are delimited' -r -f -a "auto\t'Lines, or triple double quotes if the device does not understand lines'
line\t'Lines with a CRC'
quoted\t'Between triple double quotes, for old firmware'"
complete -c otactl -n "__fish_otactl_using_subcommand completions" -l mqtt-password-file -d 'File with the password for the broker in its first line; - for a prompt' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand completions" -l mqtt-client-id -d 'MQTT client id, for a broker whose rules require a certain one' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand completions" -l mqtt-src -d 'Source name of the requests: the device replies on the topic SRC/rpc [default: DEVICE/rpc-resp/CLIENT-ID]' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand completions" -l mqtt-pub-topic -d 'Topic of all requests [default: DEVICE/rpc/METHOD if the device listens there, else DEVICE/rpc]' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand completions" -l mqtt-sub-topic -d 'Topic of the replies [default: SRC/rpc]' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand completions" -l mqtt-will-topic -d 'Topic of the device\'s last will, read when the device does not reply' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand completions" -l install -d 'Write the completions for this user, and say where'
complete -c otactl -n "__fish_otactl_using_subcommand completions" -s q -l quiet -d 'Print only results, warnings and errors'
complete -c otactl -n "__fish_otactl_using_subcommand completions" -s v -l verbose -d 'Print more details; twice: also every frame'
complete -c otactl -n "__fish_otactl_using_subcommand completions" -l insecure -d 'Accept any TLS certificate, and warn'
complete -c otactl -n "__fish_otactl_using_subcommand completions" -l hw-flow-control -d 'Use hardware flow control (RTS and CTS); XON and XOFF are obeyed with and without it'
complete -c otactl -n "__fish_otactl_using_subcommand completions" -l no-set-control-lines -d 'Do not change DTR and RTS after opening'
complete -c otactl -n "__fish_otactl_using_subcommand completions" -l inverted-control-lines -d 'Treat DTR and RTS as inverted: asserted means released'
complete -c otactl -n "__fish_otactl_using_subcommand completions" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c otactl -n "__fish_otactl_using_subcommand man" -s p -l port -d 'Address of the device, such as ws://192.168.1.5' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand man" -s d -l device -d 'Name of the device, as `otactl devices` lists it' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand man" -l config -d 'Configuration file [default: otactl.toml in this directory or one above it, and ~/.config/otactl/config.toml]' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand man" -l timeout -d 'Time limit of a call to the device' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand man" -l jobs -d 'Number of devices that a command for several devices works on at a time' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand man" -l rpc-creds -d 'User and password for a device that requires them: USER:PASSWORD, @FILE, or - for a prompt' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand man" -l json -d 'Print JSON lines, or write them to FILE' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand man" -l color -d 'Colours in messages' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`; with CLICOLOR_FORCE and in the logs of GitHub and GitLab also elsewhere'
always\t'Also in a pipe or a file'
never\t'Not even on a terminal'"
complete -c otactl -n "__fish_otactl_using_subcommand man" -l ca-cert-file -d 'PEM file with the certificate authorities to trust, instead of those of the system' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand man" -l cert-file -d 'PEM file with the client certificate, for a server that requires one; with --key-file' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand man" -l key-file -d 'PEM file with the private key of --cert-file' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand man" -l baud-rate -d 'Speed of the port in bits per second' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand man" -l set-control-lines -d 'Release DTR and RTS after opening, so that the board runs' -r -f -a "true\t''
false\t''"
complete -c otactl -n "__fish_otactl_using_subcommand man" -l serial-framing -d 'How frames are delimited' -r -f -a "auto\t'Lines, or triple double quotes if the device does not understand lines'
line\t'Lines with a CRC'
quoted\t'Between triple double quotes, for old firmware'"
complete -c otactl -n "__fish_otactl_using_subcommand man" -l mqtt-password-file -d 'File with the password for the broker in its first line; - for a prompt' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand man" -l mqtt-client-id -d 'MQTT client id, for a broker whose rules require a certain one' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand man" -l mqtt-src -d 'Source name of the requests: the device replies on the topic SRC/rpc [default: DEVICE/rpc-resp/CLIENT-ID]' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand man" -l mqtt-pub-topic -d 'Topic of all requests [default: DEVICE/rpc/METHOD if the device listens there, else DEVICE/rpc]' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand man" -l mqtt-sub-topic -d 'Topic of the replies [default: SRC/rpc]' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand man" -l mqtt-will-topic -d 'Topic of the device\'s last will, read when the device does not reply' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand man" -s q -l quiet -d 'Print only results, warnings and errors'
complete -c otactl -n "__fish_otactl_using_subcommand man" -s v -l verbose -d 'Print more details; twice: also every frame'
complete -c otactl -n "__fish_otactl_using_subcommand man" -l insecure -d 'Accept any TLS certificate, and warn'
complete -c otactl -n "__fish_otactl_using_subcommand man" -l hw-flow-control -d 'Use hardware flow control (RTS and CTS); XON and XOFF are obeyed with and without it'
complete -c otactl -n "__fish_otactl_using_subcommand man" -l no-set-control-lines -d 'Do not change DTR and RTS after opening'
complete -c otactl -n "__fish_otactl_using_subcommand man" -l inverted-control-lines -d 'Treat DTR and RTS as inverted: asserted means released'
complete -c otactl -n "__fish_otactl_using_subcommand man" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c otactl -n "__fish_otactl_using_subcommand help" -s p -l port -d 'Address of the device, such as ws://192.168.1.5' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand help" -s d -l device -d 'Name of the device, as `otactl devices` lists it' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand help" -l config -d 'Configuration file [default: otactl.toml in this directory or one above it, and ~/.config/otactl/config.toml]' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand help" -l timeout -d 'Time limit of a call to the device' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand help" -l jobs -d 'Number of devices that a command for several devices works on at a time' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand help" -l rpc-creds -d 'User and password for a device that requires them: USER:PASSWORD, @FILE, or - for a prompt' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand help" -l json -d 'Print JSON lines, or write them to FILE' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand help" -l color -d 'Colours in messages' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set or TERM is `dumb`; with CLICOLOR_FORCE and in the logs of GitHub and GitLab also elsewhere'
always\t'Also in a pipe or a file'
never\t'Not even on a terminal'"
complete -c otactl -n "__fish_otactl_using_subcommand help" -l ca-cert-file -d 'PEM file with the certificate authorities to trust, instead of those of the system' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand help" -l cert-file -d 'PEM file with the client certificate, for a server that requires one; with --key-file' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand help" -l key-file -d 'PEM file with the private key of --cert-file' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand help" -l baud-rate -d 'Speed of the port in bits per second' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand help" -l set-control-lines -d 'Release DTR and RTS after opening, so that the board runs' -r -f -a "true\t''
false\t''"
complete -c otactl -n "__fish_otactl_using_subcommand help" -l serial-framing -d 'How frames are delimited' -r -f -a "auto\t'Lines, or triple double quotes if the device does not understand lines'
line\t'Lines with a CRC'
quoted\t'Between triple double quotes, for old firmware'"
complete -c otactl -n "__fish_otactl_using_subcommand help" -l mqtt-password-file -d 'File with the password for the broker in its first line; - for a prompt' -r -F
complete -c otactl -n "__fish_otactl_using_subcommand help" -l mqtt-client-id -d 'MQTT client id, for a broker whose rules require a certain one' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand help" -l mqtt-src -d 'Source name of the requests: the device replies on the topic SRC/rpc [default: DEVICE/rpc-resp/CLIENT-ID]' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand help" -l mqtt-pub-topic -d 'Topic of all requests [default: DEVICE/rpc/METHOD if the device listens there, else DEVICE/rpc]' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand help" -l mqtt-sub-topic -d 'Topic of the replies [default: SRC/rpc]' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand help" -l mqtt-will-topic -d 'Topic of the device\'s last will, read when the device does not reply' -r -f
complete -c otactl -n "__fish_otactl_using_subcommand help" -s q -l quiet -d 'Print only results, warnings and errors'
complete -c otactl -n "__fish_otactl_using_subcommand help" -s v -l verbose -d 'Print more details; twice: also every frame'
complete -c otactl -n "__fish_otactl_using_subcommand help" -l insecure -d 'Accept any TLS certificate, and warn'
complete -c otactl -n "__fish_otactl_using_subcommand help" -l hw-flow-control -d 'Use hardware flow control (RTS and CTS); XON and XOFF are obeyed with and without it'
complete -c otactl -n "__fish_otactl_using_subcommand help" -l no-set-control-lines -d 'Do not change DTR and RTS after opening'
complete -c otactl -n "__fish_otactl_using_subcommand help" -l inverted-control-lines -d 'Treat DTR and RTS as inverted: asserted means released'
complete -c otactl -n "__fish_otactl_using_subcommand help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c otactl -l device -x
complete -c otactl -l timeout -x
complete -c otactl -l jobs -x
complete -c otactl -l rpc-creds -x
complete -c otactl -l json -x
complete -c otactl -l color -x -a "auto always never"
complete -c otactl -l baud-rate -x
complete -c otactl -l set-control-lines -x -a "y yes t true on 1 n no f false off 0"
complete -c otactl -l serial-framing -x -a "auto line quoted"
complete -c otactl -l mqtt-client-id -x
complete -c otactl -l mqtt-src -x
complete -c otactl -l mqtt-pub-topic -x
complete -c otactl -l mqtt-sub-topic -x
complete -c otactl -l mqtt-will-topic -x
complete -c otactl -n "__fish_otactl_using_subcommand show" -f
complete -c otactl -n "__fish_otactl_using_subcommand wait" -f -a "reachable committed uncommitted version"
complete -c otactl -n "__fish_otactl_using_subcommand commit" -f
complete -c otactl -n "__fish_otactl_using_subcommand revert" -f
complete -c otactl -n "__fish_otactl_using_subcommand create-snapshot" -f
complete -c otactl -n "__fish_otactl_using_subcommand get-boot-state" -f
complete -c otactl -n "__fish_otactl_using_subcommand set-boot-state" -f
complete -c otactl -n "__fish_otactl_using_subcommand status" -f
complete -c otactl -n "__fish_otactl_using_subcommand call" -f
complete -c otactl -n "__fish_otactl_using_subcommand list" -f
complete -c otactl -n "__fish_otactl_using_subcommand describe" -f
complete -c otactl -n "__fish_otactl_using_subcommand info" -f
complete -c otactl -n "__fish_otactl_using_subcommand ping" -f
complete -c otactl -n "__fish_otactl_using_subcommand reboot" -f
complete -c otactl -n "__fish_otactl_using_subcommand ports" -f
complete -c otactl -n "__fish_otactl_using_subcommand devices" -f
complete -c otactl -n "__fish_otactl_using_subcommand discover" -f
complete -c otactl -n "__fish_otactl_using_subcommand simulate" -f
complete -c otactl -n "__fish_otactl_using_subcommand explain" -f
complete -c otactl -n "__fish_otactl_using_subcommand completions" -f -a "bash elvish fish powershell zsh"
complete -c otactl -n "__fish_otactl_using_subcommand man" -f -a "(__fish_complete_directories)"
complete -c otactl -n "__fish_otactl_using_subcommand help" -f -a "update show wait commit revert create-snapshot get-boot-state set-boot-state status call list describe info ping reboot ports devices discover simulate explain completions man connection"
