#include "client/hello_report.h"

#include "os/log/error_message.h"

#include <stdio.h>

static void print_refusal(const struct client_options *options, const char *peer,
                          const char *reason, const char *advice)
{
    print_error(reason, advice, "naming this client '%s' at %s", options->frames.name, peer);
}

bool hello_report_answer(const struct client_options *options, const char *peer,
                         const struct frame *answer)
{
    char reason[64];
    if (options->frames.name == NULL)
        return true;
    switch (answer->status) {
    case FRAME_NAMED_GIVEN:
        return true;
    case FRAME_NAMED_UNUSED:
        print_refusal(options, peer, "the server uses no names",
                      "set names in its section [clients], or leave --name out");
        break;
    case FRAME_NAMED_FULL:
        print_refusal(options, peer, "the server has no place for another name",
                      "raise names-max in its section [clients], or try again later");
        break;
    case FRAME_NAMED_WRONG_MODE:
        print_refusal(options, peer, "the server gives names only to clients that prove a key",
                      "give the key of the name with --key-file, or leave --name out");
        break;
    case FRAME_NAMED_BAD_MAC:
        print_refusal(options, peer, "the key is not that of this name at this server",
                      "give the key that `udpctl key` prints for it, from the server's key file");
        break;
    default:
        snprintf(reason, sizeof reason, "the server has refused it (status %u)", answer->status);
        print_refusal(options, peer, reason, "look at its documentation, or leave --name out");
    }
    return false;
}

void hello_report_silence(const struct client_options *options, const char *peer, bool known)
{
    const char *reason =
        "no hello was answered: it is no udpsrv, or an older one, or it has not replied to a line";
    if (known)
        print_error("the last hellos were not answered, earlier ones were",
                    "check that the server runs; udpcli says hello again with later lines",
                    "saying hello to %s", peer);
    else if (options->frames.name != NULL)
        print_refusal(options, peer, reason, "check the address, or leave --name out");
    else
        print_error(reason, "check the address, or leave --no-confirm out",
                    "asking %s for confirmed broadcasts", peer);
}
