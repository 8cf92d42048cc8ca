#ifndef SERVER_GATEWAY_GATEWAY_REQUESTS_H
#define SERVER_GATEWAY_GATEWAY_REQUESTS_H

#include "registry/client_selector.h"
#include "server/control/arguments/confirm_arguments.h"
#include "server/control/arguments/key_arguments.h"
#include "server/control/arguments/selector_arguments.h"
#include "server/listen/listeners.h"
#include "server/names/client_argument.h"
#include "server/publish/publish_gaps.h"

#include <stddef.h>
#include <stdint.h>

/* Parser of the request lines of a gateway session (udpctl(8), "CONTROL PROTOCOL"):
 *
 *     send REF ADDRESS [confirm [within=DURATION]] HEX
 *     broadcast REF [key=STREAM:ID [entries-added=N]] [confirm [within=DURATION]]
 *         [SELECTOR...] HEX
 *     gap REF STREAM AFTER BEFORE MISSING ENTRIES-ADDED
 *     end
 *
 * `gap` is the report of a gap (server/publish/publish_gaps), where "-" is no entry AFTER or BEFORE
 * which they are missing, and as MISSING another stream under the name. REF is a word that the
 * result of the request repeats; "-" asks for no result, but an error is reported. */

enum gateway_request_kind { GATEWAY_SEND, GATEWAY_BROADCAST, GATEWAY_GAP, GATEWAY_END };

enum {
    GATEWAY_REF_BYTES = 512, /* of a REF; a result with a longer one would not differ from it */
    GATEWAY_WRONG_BYTES = SELECTOR_WRONG_BYTES + 256,
};

struct gateway_request {
    enum gateway_request_kind kind;
    const char *ref; /* in the line; "-" also if the line has no valid one */
    struct confirm_arguments confirm;
    struct client_argument client;   /* of GATEWAY_SEND */
    struct client_selector selector; /* of GATEWAY_BROADCAST */
    struct key_arguments key;        /* likewise */
    struct publish_gap gap;          /* of GATEWAY_GAP */
    const uint8_t *bytes;            /* of the payload, in the line */
    size_t size;
};

/* Parses a line of size bytes, which a NUL follows, and changes it. Returns true, or false with a
 * message for the operator. names may be NULL: clients have no names. */
bool gateway_requests_parse(struct gateway_request *request, const struct listeners *listeners,
                            const struct client_names *names, char *line, size_t size,
                            char wrong[GATEWAY_WRONG_BYTES]);

#endif
