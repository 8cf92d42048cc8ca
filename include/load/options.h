#ifndef LOAD_OPTIONS_H
#define LOAD_OPTIONS_H

#include "address/target.h"
#include "load/send/reply_counts.h"
#include "load/send/simulated_clients.h"
#include "os/file/control_path.h"
#include "text/option_parser.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    LOAD_PORT = 3000,
    LOAD_SOURCES_MAX = 64,
    LOAD_THREADS_MAX = 64,
    LOAD_MESSAGE_BYTES_MAX = 65507, /* over IPv4: 65535 - 20 - 8 (RFC 768, RFC 791) */
    LOAD_INTERVALS_MAX = 100000,
    /* Exit statuses of udpload. */
    LOAD_DONE = 0,
    LOAD_FAILED = 1,
    LOAD_USAGE = 2,
    LOAD_NOT_KEPT_UP = 3,
    LOAD_UNANSWERED = 4,
};

/* The file name that means standard output. */
#define LOAD_STANDARD_OUTPUT "-"

/* The options of udpload, as read from the command line. */
struct load_options {
    struct target target;
    const char *host; /* the target as given on the command line */
    int family;       /* enum addr_family; ADDR_NONE: either */
    uint32_t clients;
    struct addr sources[LOAD_SOURCES_MAX];
    char source_zones[LOAD_SOURCES_MAX][ADDR_ZONE_BYTES];
    size_t source_count;

    uint32_t
        rate; /* requests per second; 0: as fast as possible, with `outstanding` open at a time */
    bool poisson;
    uint64_t seed;
    uint32_t outstanding;
    uint64_t duration_ns; /* UINT64_MAX: until count are sent */
    uint64_t count;       /* UINT64_MAX: until duration_ns has passed */
    uint64_t timeout_ns;
    uint64_t omit_ns;
    uint64_t interval_ns;
    bool interval_given;
    uint32_t threads;

    char *message;
    size_t message_size;
    struct reply_counts_text expected[REPLY_COUNTS_MAX];
    size_t expected_count;

    bool find_max;
    uint32_t max_loss_ppm; /* LOAD_LOSS_ANY unless given, or with --find-max */
    bool fanout;
    bool confirm;      /* of --fanout: clients confirm the broadcasts */
    uint32_t drop_ppm; /* of --confirm: the share of datagrams that the clients lose */
    uint64_t broadcasts;
    const char *control;
    char control_built_in[CONTROL_PATH_BYTES];

    const char *json, *hdr, *html; /* files; NULL: not requested */
    bool text;                     /* none of them is standard output: print the text report */
    char *command;                 /* the command line, quoted for a shell */
};

/* Returns the table of options, of *count rows. */
const struct option_row *load_options_rows(size_t *count);

/* Parses the command line and keeps pointers to its strings. Returns -1 to continue; otherwise the
 * exit status of the program, with help, version or an error printed. Free the options in either
 * case. */
int load_options_read(struct load_options *options, int argc, char **argv);
void load_options_free(struct load_options *options);

#endif
