/* udpload: a load generator that measures the replies and latencies of a UDP service. */
#include "load/options.h"
#include "load/run_command.h"
#include "os/log/error_message.h"
#include "os/process/standard_descriptors.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    struct load_options options;
    int error = standard_descriptors_open_missing();
    if (error != 0) {
        print_error(strerror(-error),
                    "mount /dev, or start udpload with standard input, output and error open",
                    "opening /dev/null in place of a standard descriptor that is closed");
        return LOAD_FAILED;
    }
    int status = load_options_read(&options, argc, argv);
    if (status < 0)
        status = run_command(&options);
    load_options_free(&options);
    bool write_failed = ferror(stdout);
    if (fclose(stdout) == 0 && !write_failed)
        return status;
    print_error(
        write_failed ? "an earlier write failed" : strerror(errno),
        "part of the report is lost: free space there or read all of it, or use --json FILE",
        "writing standard output");
    return status ? status : LOAD_FAILED;
}
