#include "sim/world/drawn_keys.h"

#include "config/config_keys.h"
#include "sim/core/draw.h"
#include "sim/os/files.h"
#include "sim/world/settings.h"

#include <stdio.h>
#include <string.h>

enum { DRAWS = 500, VALUE_BYTES = 256 };

/* What the configurations have of each key: the first value, and whether there was another one. */
static struct {
    char first[VALUE_BYTES];
    unsigned files; /* that have the key */
    bool varies;
} found[CONFIG_KEY_COUNT];

static void take_value(const char *section, const char *name, const char *value)
{
    const struct config_key *key = config_key_find(section, name);
    if (key == NULL)
        return;
    size_t number = (size_t)(key - config_keys());
    char text[VALUE_BYTES];
    snprintf(text, sizeof text, "%s", value);
    if (found[number].files++ == 0)
        strcpy(found[number].first, text);
    found[number].varies |= strcmp(found[number].first, text) != 0;
}

static void take_file(const char *path)
{
    const struct simulated_file *file = simulated_file_find(path);
    char section[32] = "", name[32], value[VALUE_BYTES];
    for (const char *line = file != NULL ? file->text : NULL; line != NULL && *line != '\0';) {
        sscanf(line, "[%31[^]]]", section);
        if (sscanf(line, "%31[a-z-] = %255[^\n]", name, value) == 2)
            take_value(section, name, value);
        line = strchr(line, '\n');
        line += line != NULL;
    }
}

bool drawn_keys_check(void)
{
    bool are_all = true;
    draw_seed(1, 0);
    for (unsigned i = 0; i < DRAWS; i++) {
        settings_draw_clients();
        settings_draw();
        settings_write(&settings, false);
        take_file(SETTINGS_PATH);
        if (setup.includes)
            take_file("/etc/conf.d/admission.conf");
    }
    for (size_t i = 0; i < CONFIG_KEY_COUNT; i++) {
        /* Some files without a key are a value, too. */
        bool is_drawn = found[i].varies || (found[i].files > 0 && found[i].files < DRAWS);
        if (!is_drawn)
            fprintf(stderr, "sim: %s.%s is not drawn\n", config_keys()[i].section,
                    config_keys()[i].name);
        are_all &= is_drawn;
    }
    return are_all;
}
