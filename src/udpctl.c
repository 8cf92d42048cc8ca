/* udpctl: the command-line tool that controls a running udpsrv through its control socket. */
#include "ctl/commands/command_dispatch.h"
#include "ctl/interactive/interactive_session.h"
#include "ctl/options.h"
#include "ctl/output/output_error.h"
#include "os/log/error_message.h"
#include "os/process/standard_descriptors.h"

#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    struct ctl_options options;
    int error = standard_descriptors_open_missing();
    if (error != 0) {
        print_error(strerror(-error),
                    "mount /dev, or start udpctl with standard input, output and error open",
                    "opening /dev/null in place of a standard descriptor that is closed");
        return 1;
    }
    int status = ctl_options_read(&options, argc, argv, command_dispatch_print_list);
    if (status < 0 && !options.command && interactive_session_is_possible())
        status = interactive_session_run(&options, argc, argv);
    else if (status < 0)
        status = command_dispatch_run(&options);
    return output_finish(status);
}
