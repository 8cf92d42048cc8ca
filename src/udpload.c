/* udpload: sends load to a UDP service, and reports what came of it. */
#include "load/command.h"
#include "load/options.h"
#include "net/input.h"

#include <stdio.h>

int main(int argc, char **argv)
{
    struct load_options options;
    if (input_reserve_standard()) {
        fputs("udpload: a standard descriptor is closed, and /dev/null can't stand in for it\n",
              stderr);
        return LOAD_FAILED;
    }
    int status = load_options_read(&options, argc, argv);
    if (status < 0)
        status = command_load(&options);
    load_options_free(&options);
    bool lost = ferror(stdout);
    if (fclose(stdout) == 0 && !lost)
        return status;
    fputs("udpload: standard output could not be written; some of the report is lost\n", stderr);
    return status ? status : LOAD_FAILED;
}
