/* udpctl: the operator's tool. */
#include "ctl/command.h"
#include "ctl/interactive.h"
#include "ctl/options.h"
#include "ctl/output.h"
#include "net/complain.h"
#include "net/input.h"

#include <stdio.h>

int main(int argc, char **argv)
{
    struct ctl_options options;
    if (input_reserve_standard()) {
        complain("it was closed, and /dev/null can't stand in for it",
                 "start with all three open, or mount /dev", "opening a standard descriptor");
        return 1;
    }
    int status = ctl_options_read(&options, argc, argv, command_list);
    if (status < 0 && !options.command && interactive_is_possible())
        status = interactive_run(&options, argc, argv);
    else if (status < 0)
        status = command_run(&options);
    return output_close(status);
}
