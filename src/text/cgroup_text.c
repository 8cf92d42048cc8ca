/* Parsing of what the kernel tells of control groups: their paths, their mounts and their limits.
 */
#include "text/cgroup_text.h"

#include <string.h>

/* A piece of a text. */
struct piece {
    const char *begin;
    size_t size;
};

/* Cuts off what stands before a separator, or the rest; false at the end of the text. */
static bool cut(struct piece *rest, char separator, struct piece *piece)
{
    if (rest->begin == NULL)
        return false;
    const char *end = memchr(rest->begin, separator, rest->size);
    piece->begin = rest->begin;
    piece->size = end != NULL ? (size_t)(end - rest->begin) : rest->size;
    rest->size -= end != NULL ? piece->size + 1 : rest->size;
    rest->begin = end != NULL ? end + 1 : NULL;
    return true;
}

static bool is(struct piece piece, const char *text)
{
    return piece.size == strlen(text) && memcmp(piece.begin, text, piece.size) == 0;
}

/* Whether a list with commas has the name. */
static bool has(struct piece list, const char *name)
{
    for (struct piece item; cut(&list, ',', &item);)
        if (is(item, name))
            return true;
    return false;
}

bool cgroup_path(const char *text, const char *controller, char *path, size_t room)
{
    struct piece lines = {text, strlen(text)}, line, number, controllers;
    while (cut(&lines, '\n', &line)) {
        if (!cut(&line, ':', &number) || !cut(&line, ':', &controllers) || line.begin == NULL)
            continue;
        if (controller == CGROUP_UNIFIED ? !is(number, "0") || controllers.size > 0
                                         : !has(controllers, controller))
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

/* Copies a path, in which blanks and the like stand as "\040". False if it is too long. */
static bool copy_path(struct piece from, char *path, size_t room)
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

/* What a line of mountinfo says of a mount. */
struct mount {
    struct piece root, point, type, options;
};

/* "36 35 0:26 ROOT POINT options [optional fields...] - TYPE source OPTIONS". */
static bool read_mount(struct piece line, struct mount *mount)
{
    struct piece field;
    for (int i = 0; i < 5; i++) {
        if (!cut(&line, ' ', &field))
            return false;
        if (i == 3)
            mount->root = field;
        if (i == 4)
            mount->point = field;
    }
    while (cut(&line, ' ', &field) && !is(field, "-"))
        ;
    return cut(&line, ' ', &mount->type) && cut(&line, ' ', &field) &&
           cut(&line, ' ', &mount->options);
}

static bool is_of(const struct mount *mount, const char *controller)
{
    return controller == CGROUP_UNIFIED
               ? is(mount->type, "cgroup2")
               : is(mount->type, "cgroup") && has(mount->options, controller);
}

/* The part of path below root, which begins with a slash or is empty; NULL if it isn't below. */
static const char *below(const char *root, const char *path)
{
    size_t size = strcmp(root, "/") == 0 ? 0 : strlen(root);
    if (strncmp(path, root, size) != 0 || (path[size] != '/' && path[size] != '\0'))
        return NULL;
    return strcmp(path + size, "/") == 0 ? path + size + 1 : path + size;
}

/* A group that isn't below what is mounted, as in a container that sees its own alone, is taken for
 * the one that is mounted. */
bool cgroup_directory(const char *text, const char *controller, const char *path, char *directory,
                      size_t room, size_t *top_size)
{
    struct piece lines = {text, strlen(text)}, line;
    struct mount mount;
    bool found = false;
    while (cut(&lines, '\n', &line)) {
        char root[4096], point[4096];
        if (!read_mount(line, &mount) || !is_of(&mount, controller) ||
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

/* Digits, up to what is none; CGROUP_NO_LIMIT where there are none, or too many. */
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

uint64_t cgroup_number(const char *text)
{
    return read_number(&text);
}

uint64_t cgroup_quota_of(uint64_t quota, uint64_t period)
{
    if (quota == CGROUP_NO_LIMIT || period == CGROUP_NO_LIMIT || period == 0 ||
        quota > CGROUP_NO_LIMIT / 1000)
        return CGROUP_NO_LIMIT;
    uint64_t milli = quota * 1000 / period;
    return milli > 0 ? milli : 1;
}

uint64_t cgroup_quota(const char *text)
{
    uint64_t quota = read_number(&text);
    if (quota == CGROUP_NO_LIMIT)
        return CGROUP_NO_LIMIT;
    text += strspn(text, " ");
    uint64_t period = read_number(&text);
    return cgroup_quota_of(quota, period != CGROUP_NO_LIMIT ? period : 100000);
}
