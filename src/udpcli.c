/* udpcli: speaks with a UDP service, from a command line, a pipe or a terminal. */
#include "client/once.h"
#include "client/options.h"
#include "client/peer.h"
#include "client/talk.h"
#include "net/input.h"

#include <stdio.h>

static int talk_to(const struct client_options *options)
{
    struct peers peers;
    const char *wrong = peers_find(&peers, &options->target, options->family);
    if (wrong) {
        fprintf(stderr, "udpcli: looking up %s: %s; check the name\n", options->host, wrong);
        return 1;
    }
    return options->message ? once_run(options, &peers) : talk_run(options, &peers);
}

int main(int argc, char **argv)
{
    struct client_options options;
    if (input_reserve_standard()) {
        fputs("udpcli: a standard descriptor is closed, and /dev/null can't stand in for it\n",
              stderr);
        return 1;
    }
    int status = client_options_read(&options, argc, argv);
    if (status < 0)
        status = talk_to(&options);
    bool lost = ferror(stdout);
    if (fclose(stdout) == 0 && !lost)
        return status;
    fputs("udpcli: standard output could not be written; some of what came is lost\n", stderr);
    return status ? status : 1;
}
