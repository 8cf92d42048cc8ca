/* udpcli: a client that sends requests to a UDP service from a command line, a pipe or a terminal.
 */
#include "client/line_session.h"
#include "client/options.h"
#include "client/peer.h"
#include "client/single_request.h"
#include "os/file/names_key_file.h"
#include "os/log/error_message.h"
#include "os/process/standard_descriptors.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static bool read_key(struct client_options *options)
{
    struct names_key_file_fault fault;
    if (options->key_file == NULL ||
        device_key_file_read(options->key, options->key_file, &fault) == 0)
        return true;
    print_error(fault.why, fault.next, "reading the key file %s", options->key_file);
    return false;
}

static int run(const struct client_options *options)
{
    struct peer_addresses peers;
    const char *wrong = peer_addresses_resolve(&peers, &options->route);
    if (wrong) {
        print_error(wrong, "check the name", "looking up %s", options->host);
        return 1;
    }
    return options->message ? single_request_run(options, &peers)
                            : line_session_run(options, &peers);
}

int main(int argc, char **argv)
{
    struct client_options options;
    int error = standard_descriptors_open_missing();
    if (error != 0) {
        print_error(strerror(-error),
                    "mount /dev, or start udpcli with standard input, output and error open",
                    "opening /dev/null in place of a standard descriptor that is closed");
        return 1;
    }
    int status = client_options_read(&options, argc, argv);
    if (status < 0)
        status = read_key(&options) ? run(&options) : 1;
    bool write_failed = ferror(stdout);
    if (fclose(stdout) == 0 && !write_failed)
        return status;
    print_error(write_failed ? "an earlier write failed" : strerror(errno),
                "part of the output is lost: free space there and repeat the request",
                "writing standard output");
    return status ? status : 1;
}
