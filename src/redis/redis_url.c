#include "redis/redis_url.h"

#include "text/number_with_unit.h"

#include <stdbool.h>
#include <string.h>

static const char REDIS_SCHEME[] = "redis://", TLS_SCHEME[] = "rediss://", UNIX_SCHEME[] = "unix:";

static bool begins_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static const char *parse_path(struct redis_url *url, const char *path)
{
    if (path[0] != '/')
        return "the path of a socket begins with a slash, as in unix:/run/redis/redis.sock";
    if (strlen(path) >= sizeof url->path)
        return "the path of a socket has at most 107 bytes";
    strcpy(url->path, path);
    return NULL;
}

/* Takes the host from *text, which is then at what follows it. */
static const char *parse_host(struct redis_url *url, const char **text)
{
    bool is_bracketed = **text == '[';
    const char *begin = *text + is_bracketed;
    size_t size = strcspn(begin, is_bracketed ? "]" : ":/");
    *text = begin + size;
    if (is_bracketed && *(*text)++ != ']')
        return "the bracket of its IPv6 address is not closed";
    if (size == 0)
        return "it has no host";
    if (size >= sizeof url->host)
        return "its host has at most 255 bytes";
    memcpy(url->host, begin, size);
    url->host[size] = '\0';
    return NULL;
}

/* Takes a number and what stands before it, if that is first. */
static const char *parse_number(const char **text, char first, uint64_t min, uint64_t max,
                                uint64_t *number)
{
    char digits[16];
    if (**text != first)
        return NULL;
    size_t size = strspn(*text + 1, "0123456789");
    if (size >= sizeof digits)
        return "is too large";
    memcpy(digits, *text + 1, size);
    digits[size] = '\0';
    *text += 1 + size;
    return number_parse(digits, min, max, number);
}

static const char *parse_host_url(struct redis_url *url, const char *text)
{
    uint64_t port = REDIS_URL_PORT, db = 0;
    if (strchr(text, '@') != NULL)
        return "a password on a command line can be read by every user of this host; give it by "
               "--password-file or REDISCLI_AUTH, and a user by --user";
    const char *wrong = parse_host(url, &text);
    if (wrong != NULL)
        return wrong;
    if (parse_number(&text, ':', 1, UINT16_MAX, &port) != NULL)
        return "its port must be a number from 1 to 65535";
    if (strcmp(text, "/") == 0)
        text++;
    else if (parse_number(&text, '/', 0, REDIS_URL_DB_MAX, &db) != NULL)
        return "its database must be a number from 0 to 9999";
    if (*text != '\0')
        return "it must be redis://HOST[:PORT][/DB]";
    url->port = (uint16_t)port;
    url->db = (uint32_t)db;
    return NULL;
}

const char *redis_url_parse(struct redis_url *url, const char *text)
{
    *url = (struct redis_url){.port = REDIS_URL_PORT};
    if (begins_with(text, UNIX_SCHEME))
        return parse_path(url, text + strlen(UNIX_SCHEME));
    if (begins_with(text, REDIS_SCHEME))
        return parse_host_url(url, text + strlen(REDIS_SCHEME));
    if (begins_with(text, TLS_SCHEME))
        return "TLS is not supported; connect by a tunnel, such as stunnel(8), to a Unix socket";
    return "it must be redis://HOST[:PORT][/DB] or unix:/PATH";
}
