/* os/file: files in memory. */
#include "sim/os/files.h"

#include "os/file/control_path.h"
#include "os/file/file.h"
#include "os/file/file_watch.h"
#include "os/file/names_key_file.h"
#include "sim/core/scheduler.h"
#include "sim/core/trace.h"
#include "sim/world/faults.h"
#include "sim/world/settings.h"
#include "sim/world/upgrades.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

enum { FILES_MAX = 64 };

static struct simulated_file files[FILES_MAX]; /* unused ones have no path */
static uint64_t last_inode;

struct file_watch_object {
    struct object object;
    char path[108];
    uint64_t inode;
    bool changed;
};

enum { WATCHES_MAX = 64 };
static struct file_watch_object *watches[WATCHES_MAX];

/* ---- the table ---- */

struct simulated_file *simulated_file_find(const char *path)
{
    for (size_t i = 0; i < FILES_MAX; i++)
        if (files[i].path[0] != '\0' && strcmp(files[i].path, path) == 0)
            return &files[i];
    return NULL;
}

static struct simulated_file *add(const char *path)
{
    for (size_t i = 0; i < FILES_MAX; i++)
        if (files[i].path[0] == '\0') {
            files[i] = (struct simulated_file){.inode = ++last_inode};
            strncpy(files[i].path, path, sizeof files[i].path - 1);
            return &files[i];
        }
    broken_promise("the number of files is bounded", "more than %d", (int)FILES_MAX);
}

void simulated_file_remove(const char *path)
{
    struct simulated_file *file = simulated_file_find(path);
    if (file == NULL)
        return;
    for (size_t i = 0; i < WATCHES_MAX; i++)
        if (watches[i] != NULL && watches[i]->inode == file->inode)
            watches[i]->changed = true;
    free(file->text);
    *file = (struct simulated_file){.text = NULL};
}

void simulated_file_write(const char *path, const char *text)
{
    struct simulated_file *file = simulated_file_find(path);
    if (file == NULL)
        file = add(path);
    free(file->text);
    file->text = strdup(text);
}

struct simulated_file *simulated_file_add_socket(const char *path, struct object *listener)
{
    struct simulated_file *file = add(path);
    file->listener = listener;
    file->maker = scheduler_process();
    return file;
}

void simulated_file_forget_listener(const struct object *listener)
{
    for (size_t i = 0; i < FILES_MAX; i++)
        if (files[i].listener == listener)
            files[i].listener = NULL;
}

void simulated_files_leave(int process, bool all)
{
    for (size_t i = 0; i < FILES_MAX; i++)
        files[i].is_left |= files[i].text == NULL && (all || files[i].maker == process);
}

unsigned simulated_file_sockets(void)
{
    unsigned count = 0;
    for (size_t i = 0; i < FILES_MAX; i++)
        count += files[i].path[0] != '\0' && files[i].text == NULL && !files[i].is_left;
    return count;
}

/* ---- os/file/file ---- */

int file_read(const char *path, size_t max_bytes, char **bytes, size_t *size)
{
    const struct simulated_file *file = simulated_file_find(path);
    int error = faults_refuse_file();
    if (error != 0)
        return error;
    if (file == NULL)
        return -ENOENT;
    if (strcmp(path, SETTINGS_PATH) == 0)
        upgrades_config_read(scheduler_process());
    if (file->text == NULL)
        return -EINVAL;
    *size = strlen(file->text);
    if (*size > max_bytes)
        return -EFBIG;
    *bytes = strdup(file->text);
    return *bytes != NULL ? 0 : -ENOMEM;
}

int file_read_stream(const char *path, size_t max_bytes, char **bytes, size_t *size,
                     bool *is_stream)
{
    *is_stream = false;
    return file_read(path, max_bytes, bytes, size);
}

bool file_is_descriptor(const char *path)
{
    (void)path;
    return false;
}

bool file_is_pattern(const char *path)
{
    return strpbrk(path, "*?[") != NULL;
}

static int compare_paths(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

int file_glob(const char *pattern, char ***paths, size_t *count)
{
    char **found = calloc(FILES_MAX + 1, sizeof *found);
    size_t found_count = 0;
    if (found == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < FILES_MAX; i++)
        if (files[i].text != NULL && fnmatch(pattern, files[i].path, FNM_PATHNAME) == 0)
            found[found_count++] = strdup(files[i].path);
    qsort(found, found_count, sizeof *found, compare_paths);
    *paths = found;
    *count = found_count;
    return 0;
}

void file_glob_free(char **paths, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(paths[i]);
    free(paths);
}

bool file_same(const char *a, const char *b)
{
    const struct simulated_file *file = simulated_file_find(a);
    return file != NULL && file == simulated_file_find(b);
}

int file_check_readable(const char *path)
{
    return simulated_file_find(path) != NULL ? 0 : -ENOENT;
}

int file_check_removable(const char *path)
{
    (void)path;
    return 0;
}

/* ---- os/file/names_key_file ---- */

int names_key_file_read(struct names_key *key, const char *path, struct names_key_file_fault *fault)
{
    const struct simulated_file *file = simulated_file_find(path);
    int error = faults_refuse_file();
    *fault = (struct names_key_file_fault){"the file cannot be read", "try again"};
    if (error != 0)
        return error;
    if (file == NULL || file->text == NULL)
        return -ENOENT;
    return names_key_parse(key, file->text, strlen(file->text)) == NULL ? 0 : -EINVAL;
}

/* ---- os/file/control_path ---- */

int control_path_default(char *path, size_t capacity)
{
    static const char text[] = "/run/udpsrv/udpsrv.sock";
    if (capacity < sizeof text)
        return -ENAMETOOLONG;
    memcpy(path, text, sizeof text);
    return 0;
}

int control_path_make_directory(const char *socket_path, const struct identity *owner)
{
    (void)socket_path;
    (void)owner;
    return 0;
}

/* ---- os/file/file_watch ---- */

static unsigned has_changed(const struct object *object)
{
    return ((const struct file_watch_object *)object)->changed ? LOOP_READ : 0;
}

static void destroy(struct object *object)
{
    for (size_t i = 0; i < WATCHES_MAX; i++)
        if (watches[i] == (struct file_watch_object *)object)
            watches[i] = NULL;
    free(object);
}

static void on_change(void *state, unsigned events)
{
    struct file_watch *watch = state;
    (void)events;
    ((struct file_watch_object *)descriptor_object(watch->handler.fd, OBJECT_WATCH))->changed =
        false;
    watch->changed(watch->state);
}

int file_watch_open(struct loop *loop, struct file_watch *watch, const char *path,
                    loop_callback *changed, void *state)
{
    const struct simulated_file *file = simulated_file_find(path);
    size_t place = 0;
    *watch = (struct file_watch){.changed = changed, .state = state};
    if (file == NULL)
        return -ENOENT;
    if (faults_refuse_memory())
        return -EMFILE;
    while (watches[place] != NULL)
        place++;
    struct file_watch_object *made = watches[place] = calloc(1, sizeof *made);
    made->object = (struct object){.kind = OBJECT_WATCH, .ready = has_changed, .destroy = destroy};
    made->inode = file->inode;
    int fd = descriptor_open(&made->object);
    if (fd < 0)
        return fd;
    int error = loop_add(loop, &watch->handler, fd, LOOP_READ, on_change, watch);
    if (error != 0)
        descriptor_close(fd);
    return error;
}

void file_watch_close(struct file_watch *watch)
{
    if (watch->handler.loop == NULL)
        return;
    int fd = watch->handler.fd;
    loop_remove(&watch->handler);
    descriptor_close(fd);
}
