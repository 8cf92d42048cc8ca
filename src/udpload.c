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
    if (input_reserve_standard()) {
        complain("it was closed, and /dev/null can't stand in for it",
                 "start with all three open, or mount /dev", "opening a standard descriptor");
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
