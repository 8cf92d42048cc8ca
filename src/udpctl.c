/* udpctl: the operator's tool. */
#include "ctl/command.h"
#include "ctl/options.h"
#include "ctl/output.h"

int main(int argc, char **argv)
{
    struct ctl_options options;
    int status = ctl_options_read(&options, argc, argv, command_list);
    if (status < 0)
        status = command_run(&options);
    return output_close(status);
}
