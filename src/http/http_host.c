#include "http/http_host.h"

#include "address/addr.h"

#include <string.h>
#include <strings.h>

enum { HTTP_PORT = 80 };

static bool is_alphanumeric(char c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

bool http_host_is_valid(const char *host, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (!is_alphanumeric(host[i]) &&
            (host[i] == '\0' || strchr("-._~%!$&'()*+,;=:[]", host[i]) == NULL))
            return false;
    return true;
}

/* Whether text is empty, or a colon and up to five digits. */
static bool is_port(const char *text)
{
    size_t digits = *text == ':' ? strspn(text + 1, "0123456789") : 0;
    return *text == '\0' || (*text == ':' && digits <= 5 && text[1 + digits] == '\0');
}

bool http_host_is_local(const char *host)
{
    static const char NAME[] = "localhost";
    struct addr addr;
    size_t length = sizeof NAME - 1;
    if (strncasecmp(host, NAME, length) == 0)
        return is_port(host + length) || (host[length] == '.' && is_port(host + length + 1));
    return addr_parse(&addr, NULL, host, HTTP_PORT) == NULL;
}
