#include "text/cgroup_parser.h"

#include <string.h>

/* A part of a text, which it does not own. */
struct slice {
    const char *begin;
    size_t size;
};

/* Takes what precedes the next separator, or the rest, off the text. Returns false at its end. */
static bool take_until(struct slice *rest, char separator, struct slice *part)
{
    if (rest->begin == NULL)
        return false;
    const char *end = memchr(rest->begin, separator, rest->size);
    part->begin = rest->begin;
    part->size = end != NULL ? (size_t)(end - rest->begin) : rest->size;
    rest->size -= end != NULL ? part->size + 1 : rest->size;
    rest->begin = end != NULL ? end + 1 : NULL;
    return true;
}

static bool equals(struct slice slice, const char *text)
{
    return slice.size == strlen(text) && memcmp(slice.begin, text, slice.size) == 0;
}

/* Whether a comma-separated list contains the name. */
static bool contains(struct slice list, const char *name)
{
    for (struct slice item; take_until(&list, ',', &item);)
        if (equals(item, name))
            return true;
    return false;
}

bool cgroup_parse_path(const char *text, const char *controller, char *path, size_t room)
{
    struct slice lines = {text, strlen(text)}, line, number, controllers;
    while (take_until(&lines, '\n', &line)) {
        if (!take_until(&line, ':', &number) || !take_until(&line, ':', &controllers) ||
            line.begin == NULL)
            continue;
        if (controller == CGROUP_UNIFIED ? !equals(number, "0") || controllers.size > 0
                                         : !contains(controllers, controller))
            continue;
        if (line.size >= room)
            return false;
        memcpy(path, line.begin, line.size);
        path[line.size] = '\0';
        return true;
    }
    return false;
}

static bool is_octal(const char *text)
{
    for (int i = 0; i < 3; i++)
        if (text[i] < '0' || text[i] > '7')
            return false;
    return true;
}

/* Copies a path, in which the kernel writes blanks and the like as "\040". Returns false if it is
 * too long. */
static bool copy_path(struct slice from, char *path, size_t room)
{
    size_t size = 0;
    for (size_t i = 0; i < from.size && size + 1 < room; i++) {
        const char *at = from.begin + i;
        if (*at == '\\' && from.size - i > 3 && is_octal(at + 1)) {
            path[size++] = (char)((at[1] - '0') * 64 + (at[2] - '0') * 8 + (at[3] - '0'));
            i += 3;
        } else {
            path[size++] = *at;
        }
    }
    if (size + 1 >= room)
        return false;
    path[size] = '\0';
    return true;
}

/* The fields of a line of mountinfo. */
struct mount {
    struct slice root, point, type, options;
};

/* "36 35 0:26 ROOT POINT options [optional fields...] - TYPE source OPTIONS". */
static bool read_mount(struct slice line, struct mount *mount)
{
    struct slice field;
    for (int i = 0; i < 5; i++) {
        if (!take_until(&line, ' ', &field))
            return false;
        if (i == 3)
            mount->root = field;
        if (i == 4)
            mount->point = field;
    }
    while (take_until(&line, ' ', &field) && !equals(field, "-"))
        ;
    return take_until(&line, ' ', &mount->type) && take_until(&line, ' ', &field) &&
           take_until(&line, ' ', &mount->options);
}

static bool has_controller(const struct mount *mount, const char *controller)
{
    return controller == CGROUP_UNIFIED
               ? equals(mount->type, "cgroup2")
               : equals(mount->type, "cgroup") && contains(mount->options, controller);
}

/* Returns the part of path below root, which begins with a slash or is empty; NULL if path is not
 * below root. */
static const char *below(const char *root, const char *path)
{
    size_t size = strcmp(root, "/") == 0 ? 0 : strlen(root);
    if (strncmp(path, root, size) != 0 || (path[size] != '/' && path[size] != '\0'))
        return NULL;
    return strcmp(path + size, "/") == 0 ? path + size + 1 : path + size;
}

/* A group that is not below the mounted one is taken for the mounted one: in a container only its
 * own group may be mounted, while the path is the host's. */
bool cgroup_parse_directory(const char *text, const char *controller, const char *path,
                            char *directory, size_t room, size_t *top_size)
{
    struct slice lines = {text, strlen(text)}, line;
    struct mount mount;
    bool found = false;
    while (take_until(&lines, '\n', &line)) {
        char root[4096], point[4096];
        if (!read_mount(line, &mount) || !has_controller(&mount, controller) ||
            !copy_path(mount.root, root, sizeof root) ||
            !copy_path(mount.point, point, sizeof point))
            continue;
        const char *rest = strncmp(path, "/..", 3) == 0 ? NULL : below(root, path);
        if ((rest == NULL && found) || strlen(point) + (rest != NULL ? strlen(rest) : 0) + 1 > room)
            continue;
        found = true;
        *top_size = strlen(point);
        memcpy(directory, point, *top_size + 1);
        if (rest == NULL)
            continue;
        strcpy(directory + *top_size, rest);
        return true;
    }
    return found;
}

/* Reads digits. Returns CGROUP_NO_LIMIT if there are none, or if the number is too large. */
static uint64_t read_number(const char **text)
{
    if (**text < '0' || **text > '9')
        return CGROUP_NO_LIMIT;
    uint64_t value = 0;
    for (; **text >= '0' && **text <= '9'; (*text)++) {
        uint64_t digit = (uint64_t)(**text - '0');
        value = value > (CGROUP_NO_LIMIT - digit) / 10 ? CGROUP_NO_LIMIT : value * 10 + digit;
    }
    return value;
}

uint64_t cgroup_parse_limit(const char *text)
{
    return read_number(&text);
}

uint64_t cgroup_quota_milli(uint64_t quota, uint64_t period)
{
    if (quota == CGROUP_NO_LIMIT || period == CGROUP_NO_LIMIT || period == 0 ||
        quota > CGROUP_NO_LIMIT / 1000)
        return CGROUP_NO_LIMIT;
    uint64_t milli = quota * 1000 / period;
    return milli > 0 ? milli : 1;
}

uint64_t cgroup_parse_quota(const char *text)
{
    uint64_t quota = read_number(&text);
    if (quota == CGROUP_NO_LIMIT)
        return CGROUP_NO_LIMIT;
    text += strspn(text, " ");
    uint64_t period = read_number(&text);
    return cgroup_quota_milli(quota, period != CGROUP_NO_LIMIT ? period : 100000);
}
