#ifndef SERVER_METRICS_PAGE_LIVE_MARKUP_H
#define SERVER_METRICS_PAGE_LIVE_MARKUP_H

/* The live page without its values. It names its style sheet and its script relative to itself, so
 * that it also works behind a proxy at another path. The strings follow each other; the last is
 * NULL. */
extern const char *const LIVE_MARKUP[];

#endif
