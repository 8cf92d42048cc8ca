/* The daemon. */
#include "base/version.h"
#include "net/complain.h"
#include "net/input.h"
#include "net/loop.h"
#include "server/check.h"
#include "server/options.h"
#include "server/server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_USAGE = 2 };

/* The status of what has printed to stdout. */
static int printed(int status)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    complain(strerror(errno), "some of it is lost: make room there", "writing standard output");
    return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    static struct server_options options;
    loop_ignore_broken_pipes();
    int error = input_reserve_standard();
    if (error != 0) {
        complain(strerror(-error), "mount /dev, or start it with all three open",
                 "opening /dev/null in place of a standard descriptor that is closed");
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
