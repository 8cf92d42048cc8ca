/* udpcli, the client: sends messages from the command line, a pipe or a terminal to a UDP, TCP or
 * Unix service, and prints what it receives. */
#include "client/line_session.h"
#include "client/options.h"
#include "client/peer.h"
#include "client/single_request.h"
#include "os/log/error_message.h"
#include "os/loop/standard_input.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int run_client(const struct client_options *options)
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
    int error = standard_input_reserve_standard();
    if (error != 0) {
        print_error(strerror(-error), "mount /dev, or start it with all three open",
                    "opening /dev/null in place of a standard descriptor that is closed");
        return 1;
    }
    int status = client_options_read(&options, argc, argv);
    if (status < 0)
        status = run_client(&options);
    bool lost = ferror(stdout);
    if (fclose(stdout) == 0 && !lost)
        return status;
    print_error(lost ? "an earlier write failed" : strerror(errno),
                "some replies were lost: free space there, and run it again",
                "writing standard output");
    return status ? status : 1;
}
