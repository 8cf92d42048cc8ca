#ifndef HTTP_HTTP_HOST_H
#define HTTP_HTTP_HOST_H

#include <stdbool.h>
#include <stddef.h>

/* The value of the field Host (RFC 9110, section 7.2): a host and, if it is not the default one, a
 * port. */

/* Whether it can be a host with or without a port (RFC 3986, section 3.2): it has no blank, no
 * control character, and none of those that separate a host from the rest of a URI. An empty one is
 * valid. */
bool http_host_is_valid(const char *host, size_t size);

/* Whether it is an IPv4 or IPv6 address, or localhost, with or without a port. A page of another
 * site whose name an attacker lets resolve to 127.0.0.1 (DNS rebinding) sends another one. */
bool http_host_is_local(const char *host);

#endif
