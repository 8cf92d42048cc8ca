/* udpload: sends load to a UDP service, and reports what came of it. */
#include "load/command.h"
#include "load/options.h"
#include "net/complain.h"
#include "net/input.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    struct load_options options;
    int error = input_reserve_standard();
    if (error != 0) {
        complain(strerror(-error), "mount /dev, or start it with all three open",
                 "opening /dev/null in place of a standard descriptor that is closed");
        return LOAD_FAILED;
    }
    int status = load_options_read(&options, argc, argv);
    if (status < 0)
        status = command_load(&options);
    load_options_free(&options);
    bool lost = ferror(stdout);
    if (fclose(stdout) == 0 && !lost)
        return status;
    complain(lost ? "an earlier write failed" : strerror(errno),
             "some of the report is lost: make room there, or use --json FILE",
             "writing standard output");
    return status ? status : LOAD_FAILED;
}
