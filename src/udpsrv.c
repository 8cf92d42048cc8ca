/* udpsrv: the UDP server. */
#include "base/version.h"
#include "os/log/error_message.h"
#include "os/loop/signals.h"
#include "os/process/standard_descriptors.h"
#include "server/config/config_load.h"
#include "server/config/config_print.h"
#include "server/options.h"
#include "server/server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Flushes standard output. Returns the status, or EXIT_FAILURE if a write failed. */
static int flush_output(int status)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    print_error(strerror(errno), "part of the output is lost: free space there",
                "writing standard output");
    return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    static struct server_options options;
    loop_ignore_broken_pipes();
    loop_ignore_file_size_limit();
    int error = standard_descriptors_open_missing();
    if (error != 0) {
        print_error(strerror(-error),
                    "mount /dev, or start udpsrv with standard input, output and error open",
                    "opening /dev/null in place of a standard descriptor that is closed");
        return EXIT_FAILURE;
    }
    server_options_read(&options, argc, argv);
    switch (options.task) {
    case SERVER_RUN:
        return server_run(&options);
    case SERVER_CHECK:
        return config_load_test(&options);
    case SERVER_PRINT:
        return flush_output(config_print_run(&options));
    case SERVER_HELP:
        server_options_help();
        return flush_output(EXIT_SUCCESS);
    case SERVER_VERSION:
        printf("udpsrv %s\n", UDPSRV_VERSION);
        return flush_output(EXIT_SUCCESS);
    case SERVER_WRONG:
        break;
    }
    return EXIT_USAGE;
}
