/* The daemon. */
#include "core/version.h"
#include "net/input.h"
#include "net/loop.h"
#include "server/check.h"
#include "server/options.h"
#include "server/server.h"

#include <stdio.h>
#include <stdlib.h>

enum { EXIT_USAGE = 2 };

/* The status of what has printed to stdout. */
static int printed(int status)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    fputs("udpsrv: standard output could not be written; some of it is lost\n", stderr);
    return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    static struct server_options options;
    loop_ignore_broken_pipes();
    if (input_reserve_standard()) {
        fputs("udpsrv: a standard descriptor is closed, and /dev/null can't stand in for it\n",
              stderr);
        return EXIT_FAILURE;
    }
    server_options_read(&options, argc, argv);
    switch (options.task) {
    case SERVER_RUN:
        return server_run(&options);
    case SERVER_CHECK:
        return check_configuration(&options);
    case SERVER_PRINT:
        return printed(check_print(&options));
    case SERVER_HELP:
        server_options_help();
        return printed(EXIT_SUCCESS);
    case SERVER_VERSION:
        printf("udpsrv %s\n", UDPSRV_VERSION);
        return printed(EXIT_SUCCESS);
    case SERVER_WRONG:
        break;
    }
    return EXIT_USAGE;
}
