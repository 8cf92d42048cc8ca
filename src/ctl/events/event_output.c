#include "ctl/events/event_output.h"

#include "ctl/events/event_members.h"
#include "ctl/output/json.h"
#include "os/process/clock.h"
#include "text/number_with_unit.h"
#include "text/printable.h"

#include <inttypes.h>
#include <string.h>

enum { SHOWN_BYTES = 512 /* of a value; the longest is the path of a listener */ };

static void print_text(FILE *out, const struct event_member *member)
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
    /* The value that may contain blanks. */
    const char *last = strncmp(kind, "job_", 4) == 0 ? "selector" : "listener", *wrong = NULL;
    if (json && rest != NULL)
        wrong = event_members_print_json(out, ",", rest, last);
    while (!json && rest != NULL && wrong == NULL) {
        struct event_member member;
        wrong = event_members_next(&member, &rest, last);
        if (wrong == NULL)
            print_text(out, &member);
    }
    fputs(json ? "}\n" : "\n", out);
    return wrong;
}

const char *event_output_print_lost(FILE *out, bool json, const char *value)
{
    uint64_t count;
    const char *wrong = number_parse(value, 0, UINT64_MAX, &count);
    if (wrong != NULL)
        return wrong;
    if (json)
        fprintf(out, "{\"lost\":%" PRIu64 "}\n", count);
    else
        fprintf(out, "-- %" PRIu64 " lost: this program, or what reads its output, was too slow\n",
                count);
    return NULL;
}
