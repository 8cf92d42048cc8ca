#include "ctl/events/event_output.h"

#include "ctl/output/json.h"
#include "os/process/clock.h"
#include "text/number_with_unit.h"
#include "text/printable.h"

#include <inttypes.h>
#include <string.h>

enum { SHOWN_BYTES = 512 /* of a value; the longest is the path of a listener */ };

/* A member of an event. */
struct member {
    const char *name, *value;
};

/* Whether the value is the rest of the line, since it may contain blanks. */
static bool takes_the_rest(const char *name)
{
    return strcmp(name, "listener") == 0 || strcmp(name, "selector") == 0;
}

/* Takes the next member "NAME=VALUE" from *rest, which is NULL after the last one. Returns NULL, or
 * what is wrong. */
static const char *next_member(struct member *member, char **rest)
{
    member->name = *rest;
    char *value = strchr(*rest, '=');
    if (value == NULL)
        return "a member is not NAME=VALUE";
    *value++ = '\0';
    member->value = value;
    *rest = takes_the_rest(member->name) ? NULL : strchr(value, ' ');
    if (*rest != NULL)
        *(*rest)++ = '\0';
    return NULL;
}

static void print_json(FILE *out, const struct member *member)
{
    uint64_t number;
    putc(',', out);
    json_string(out, member->name);
    putc(':', out);
    if (number_parse(member->value, 0, UINT64_MAX, &number) == NULL)
        fprintf(out, "%" PRIu64, number);
    else
        json_string(out, member->value);
}

static void print_text(FILE *out, const struct member *member)
{
    char shown[SHOWN_BYTES];
    printable_line(shown, sizeof shown, member->value);
    if (strcmp(member->name, "address") == 0)
        fprintf(out, " %s", shown);
    else
        fprintf(out, " %s=%s", member->name, shown);
}

const char *event_output_print(FILE *out, bool json, char *value)
{
    char time_text[CLOCK_WALL_TEXT_BYTES];
    uint64_t time_ms;
    char *rest = value;
    const char *time = strsep(&rest, " "), *kind = rest != NULL ? strsep(&rest, " ") : NULL;
    if (kind == NULL || number_parse(time, 0, UINT64_MAX, &time_ms) != NULL)
        return "it is not TIME KIND MEMBER...";
    clock_text(time_ms, time_text);
    if (json) {
        fprintf(out, "{\"time\":\"%s\",\"event\":", time_text);
        json_string(out, kind);
    } else {
        char shown[SHOWN_BYTES];
        printable_line(shown, sizeof shown, kind);
        fprintf(out, "%s %s", time_text, shown);
    }
    const char *wrong = NULL;
    while (rest != NULL && wrong == NULL) {
        struct member member;
        wrong = next_member(&member, &rest);
        if (wrong == NULL)
            (json ? print_json : print_text)(out, &member);
    }
    fputs(json ? "}\n" : "\n", out);
    return wrong;
}

void event_output_print_lost(FILE *out, bool json, uint64_t count)
{
    if (json)
        fprintf(out, "{\"lost\":%" PRIu64 "}\n", count);
    else
        fprintf(out, "-- %" PRIu64 " lost: this program, or what reads its output, was too slow\n",
                count);
}
