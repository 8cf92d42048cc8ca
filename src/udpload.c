/* udpload: sends load to a UDP service, and reports what came of it. */
#include "load/load_command.h"
#include "load/options.h"
#include "os/log/error_message.h"
#include "os/loop/standard_input.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    struct load_options options;
    int error = standard_input_reserve_standard();
    if (error != 0) {
        print_error(strerror(-error), "mount /dev, or start it with all three open",
                    "opening /dev/null in place of a standard descriptor that is closed");
        return LOAD_FAILED;
    }
    int status = load_options_read(&options, argc, argv);
    if (status < 0)
        status = load_command_run(&options);
    load_options_free(&options);
    bool lost = ferror(stdout);
    if (fclose(stdout) == 0 && !lost)
        return status;
    print_error(lost ? "an earlier write failed" : strerror(errno),
                "some of the report is lost: make room there, or use --json FILE",
                "writing standard output");
    return status ? status : LOAD_FAILED;
}
