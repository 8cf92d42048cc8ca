#ifndef SERVER_METRICS_PAGE_LIVE_PAGE_H
#define SERVER_METRICS_PAGE_LIVE_PAGE_H

#include "text/text_buffer.h"

#include <stdbool.h>

/* The live page: it shows the state of the server in a browser, loads nothing from elsewhere, and
 * changes nothing. */

/* The directives of its Content-Security-Policy: only its own script, style sheet and values. */
#define LIVE_PAGE_POLICY                                                                    \
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src " \
    "data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

struct live_page {
    struct text_buffer markup, style, script;
};

/* Makes the texts. Returns 0 or -ENOMEM; either way live_page_free is needed. */
int live_page_make(struct live_page *page);
void live_page_free(struct live_page *page);

#endif
