/* The test vectors and conversations of docs/protocol.md: a running server answers as the page
 * states. */

#include "frames.h"
#include "protocol_page.h"

#include <string.h>
#include <sys/socket.h>

TestSuite(system_protocol_server, .fini = harness_end, .timeout = 60);

static const uint8_t COOKIE[FRAME_COOKIE] = "0123456789abcdef";      /* that of the page */
static const uint8_t NAMED[] = {0x00, 0x55, 0x44, 0x50, 0x09, 0x00}; /* of a server without names */
static const char OPEN[] = "[admission]\npolicy = open\n[reply]\nmessage = yes\n";
static const char VERIFIED[] = "[admission]\npolicy = cookie\n[reply]\nmessage = yes\n";

/* ---- the answer to each vector ---- */

static const struct page_vector *find_vector(const struct page_vector *vectors, size_t count,
                                             const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(vectors[i].name, name) == 0)
            return &vectors[i];
    harness_fail("expected a vector '%s'", name);
}

Test(system_protocol_server, each_vector_is_in_the_table_of_replies)
{
    struct page_vector vectors[PAGE_VECTORS_MAX];
    struct page_row rows[PAGE_VECTORS_MAX];
    size_t vector_count = page_vectors(vectors), row_count = page_rows(rows);

    for (size_t i = 0; i < vector_count; i++) {
        bool found = false;
        for (size_t k = 0; k < row_count; k++)
            found = found || strcmp(rows[k].vector, vectors[i].name) == 0;
        expect(found, "expected a row for '%s'", vectors[i].name);
    }
}

/* Opens a new source: with a cookie if verified, and registered as a client if registered. */
static int new_source(const struct endpoint *server, bool verified, bool registered,
                      uint8_t cookie[FRAME_COOKIE])
{
    int udp = udp_open("127.0.0.1");

    if (verified) {
        frame_request_challenge(udp, server, cookie);
        if (registered) {
            frame_send(udp, server, 2, cookie, "hi");
            udp_expect(udp, server, "yes");
        }
    } else if (registered) {
        udp_ask(udp, server, "hi", "yes");
    }
    return udp;
}

static void expect_bytes(int udp, const struct endpoint *server, const uint8_t *bytes, size_t size)
{
    uint8_t got[256];
    struct endpoint from;

    harness_equal("bytes", udp_receive(udp, got, sizeof got, &from), (int64_t)size);
    expect(memcmp(got, bytes, size) == 0, "expected other bytes");
    expect(endpoint_same(server, &from), "expected them from %s", endpoint_text(server));
}

static void expect_answer(int udp, const struct endpoint *server, const char *answer,
                          struct page_bytes sent)
{
    uint8_t cookie[FRAME_COOKIE];

    if (strcmp(answer, "reply") == 0) {
        udp_expect(udp, server, "yes");
    } else if (strcmp(answer, "challenge") == 0) {
        frame_expect_challenge(udp, server, cookie);
    } else if (strcmp(answer, "pong") == 0) {
        sent.data[FRAME_HEAD - 1] = 5;
        expect_bytes(udp, server, sent.data, sent.size);
    } else if (strcmp(answer, "named") == 0) {
        expect_bytes(udp, server, NAMED, sizeof NAMED);
    } else {
        cr_assert_str_eq(answer, "nothing");
    }
}

/* Sends the vector of a row from a source of a column, and compares the answer with the cell. */
static void try_cell(struct server *server, const struct page_row *row, size_t column,
                     struct page_bytes bytes)
{
    const struct page_cell *cell = &row->cells[column];
    bool verified = column % 2 == 1, registered = column >= 2;
    uint8_t cookie[FRAME_COOKIE];
    int udp = new_source(&server->at[0], verified, registered, cookie);
    int64_t clients = server_stat(server, "clients"), count = server_stat(server, cell->counter),
            received = server_stat(server, "received");
    bool joins = strcmp(cell->gets, "reply") == 0 && !registered;
    bool leaves = strcmp(cell->counter, "left") == 0;

    cr_log_info("%s, column %zu", row->vector, column + 1);
    if (row->fresh_cookie && verified)
        memcpy(bytes.data + FRAME_HEAD, cookie, sizeof cookie);
    udp_send(udp, &server->at[0], bytes.data, bytes.size);
    expect_answer(udp, &server->at[0], cell->gets, bytes);
    server_await_stat(server, "received", received + 1);
    harness_equal(cell->counter, server_stat(server, cell->counter), count + 1);
    harness_equal("clients", server_stat(server, "clients"), clients + joins - leaves);
    udp_expect_nothing(udp, "a datagram that the page does not list");
}

static void try_columns(const char *config, size_t first)
{
    struct page_vector vectors[PAGE_VECTORS_MAX];
    struct page_row rows[PAGE_VECTORS_MAX];
    size_t vector_count = page_vectors(vectors), row_count = page_rows(rows);
    struct server server = {0};

    server_start(&server, config, "-l", "127.0.0.1:0", NULL);
    for (size_t i = 0; i < row_count; i++)
        for (size_t column = first; column < PAGE_COLUMNS; column += 2)
            try_cell(&server, &rows[i], column,
                     find_vector(vectors, vector_count, rows[i].vector)->bytes);
    expect_balance("stats", server_ask(&server, "stats"));
    server_stop(&server);
}

Test(system_protocol_server, each_vector_gets_the_answer_of_the_table_under_policy_open)
{
    try_columns(OPEN, 0);
}

Test(system_protocol_server, each_vector_gets_the_answer_of_the_table_under_policy_cookie)
{
    try_columns(VERIFIED, 1);
}

/* ---- the conversations ---- */

static void run_operator_command(const struct server *server, const char *command)
{
    static const char BROADCAST[] = "broadcast ";

    harness_contains("the operator's command", command, BROADCAST);
    ctl_ok(server, "broadcast", command + strlen(BROADCAST), NULL);
}

/* Replaces the cookie of the page with the cookie of the server. */
static void replace_cookie(struct page_bytes *bytes, const uint8_t cookie[FRAME_COOKIE])
{
    uint8_t *at = memmem(bytes->data, bytes->size, COOKIE, sizeof COOKIE);

    if (at != NULL)
        memcpy(at, cookie, FRAME_COOKIE);
}

Test(system_protocol_server, a_server_follows_the_conversation_of_the_page)
{
    struct server server = {0};
    const char *text = page_block("conversation");
    struct page_line line;
    uint8_t cookie[FRAME_COOKIE] = {0};
    int udp = udp_open("127.0.0.1");

    server_start(&server, "[admission]\npolicy = cookie\n", "-l", "127.0.0.1:0", NULL);
    while (page_next(&text, &line)) {
        if (strcmp(line.key, "operator") == 0) {
            run_operator_command(&server, line.value);
            continue;
        }
        struct page_bytes bytes = page_hex(line.value);
        if (strcmp(line.key, "client") == 0) {
            replace_cookie(&bytes, cookie);
            udp_send(udp, &server.at[0], bytes.data, bytes.size);
        } else if (bytes.size == FRAME_CHALLENGE &&
                   memcmp(bytes.data, "\0UDP\1", FRAME_HEAD) == 0) {
            frame_expect_challenge(udp, &server.at[0], cookie);
        } else {
            cr_assert_str_eq(line.key, "server");
            expect_bytes(udp, &server.at[0], bytes.data, bytes.size);
        }
    }
    udp_expect_nothing(udp, "a datagram that the page does not list");
    harness_equal("left", server_stat(&server, "left"), 1);
    harness_equal("clients", server_stat(&server, "clients"), 0);
    server_stop(&server);
}

static void expect_stream_bytes(int stream, const struct page_bytes *bytes)
{
    uint8_t got[PAGE_BYTES_MAX];

    harness_equal("bytes", recv(stream, got, bytes->size, MSG_WAITALL), (int64_t)bytes->size);
    expect(memcmp(got, bytes->data, bytes->size) == 0, "expected other bytes");
}

Test(system_protocol_server, a_server_follows_the_stream_conversation_of_the_page)
{
    struct server server = {0};
    const char *text = page_block("stream");
    struct page_line line;
    int stream;

    server_start(&server, NULL, "-l", "127.0.0.1:0", "-l", "tcp:127.0.0.1:0", NULL);
    stream = stream_open(server.others[0]);
    while (page_next(&text, &line)) {
        bool is_client = strcmp(line.key, "client") == 0, is_end = strcmp(line.value, "end") == 0;
        struct page_bytes bytes = {.size = 0};
        if (strcmp(line.key, "operator") == 0) {
            run_operator_command(&server, line.value);
            continue;
        }
        if (!is_end)
            bytes = page_hex(line.value);
        if (is_client && is_end)
            cr_assert_eq(shutdown(stream, SHUT_WR), 0);
        else if (is_client)
            cr_assert_eq(send(stream, bytes.data, bytes.size, 0), (ssize_t)bytes.size);
        else if (is_end)
            stream_expect_end(stream);
        else
            expect_stream_bytes(stream, &bytes);
    }
    harness_equal("drop_bad_frame", server_stat(&server, "drop_bad_frame"), 1);
    expect_balance("stats", server_ask(&server, "stats"));
    server_stop(&server);
}
