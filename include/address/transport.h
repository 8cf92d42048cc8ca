#ifndef ADDRESS_TRANSPORT_H
#define ADDRESS_TRANSPORT_H

/* The transports (UDP, TCP, Unix sockets) and their prefixes in the texts of addresses. */
enum transport {
    TRANSPORT_UDP,  /* "192.0.2.1:4000", datagrams */
    TRANSPORT_TCP,  /* "tcp:192.0.2.1:4000", messages over TCP */
    TRANSPORT_UNIX, /* "unix:/path" for a listener, "unix:#7" for its seventh client; messages */
};

#define TRANSPORT_TCP_PREFIX  "tcp:"
#define TRANSPORT_UNIX_PREFIX "unix:"

enum {
    /* The longest path of a Unix socket, its NUL included: sun_path of unix(7). */
    TRANSPORT_PATH_BYTES = 108,
    /* The longest text of a listener or a client: "unix:" and a path. */
    TRANSPORT_TEXT_BYTES = 5 + TRANSPORT_PATH_BYTES,
};

/* Finds the transport by the prefix of the text; without a prefix it is UDP. Returns the text after
 * the prefix. */
const char *transport_split(const char *text, enum transport *transport);

/* Checks the path of a Unix socket: it must be absolute, fit, and contain no blanks and no control
 * characters, since lists separate their fields by blanks. Returns NULL, or what is wrong: a static
 * string for the end of a message ("bad address 'x': ..."). */
const char *transport_check_path(const char *path);

#endif
