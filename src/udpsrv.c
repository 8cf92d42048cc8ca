/* The daemon. */
#include "core/version.h"
#include "server/check.h"
#include "server/options.h"
#include "server/server.h"

#include <stdio.h>
#include <stdlib.h>

enum { EXIT_USAGE = 2 };

int main(int argc, char **argv)
{
    static struct server_options options;
    server_options_read(&options, argc, argv);
    switch (options.task) {
    case SERVER_RUN:
        return server_run(&options);
    case SERVER_CHECK:
        return check_configuration(&options);
    case SERVER_PRINT:
        return check_print(&options);
    case SERVER_HELP:
        server_options_help();
        return EXIT_SUCCESS;
    case SERVER_VERSION:
        printf("udpsrv %s\n", UDPSRV_VERSION);
        return EXIT_SUCCESS;
    case SERVER_WRONG:
        break;
    }
    return EXIT_USAGE;
}
