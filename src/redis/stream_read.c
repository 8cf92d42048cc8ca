#include "redis/stream_read.h"

#include "redis/resp_command.h"
#include "redis/stream_id.h"

#include <stdio.h>
#include <string.h>

/* The four replies. */
enum { REPLY_EXEC = 3 };

/* The positions of the results in the reply to EXEC. */
enum { SECTION_INFO, SECTION_ENTRIES };

/* How deep the elements of these are. */
enum {
    DEPTH_RESULT = 1,
    DEPTH_INFO = 2,        /* a name or a value of XINFO */
    DEPTH_FIRST_ENTRY = 3, /* in the value of first-entry: its id, its fields */
    DEPTH_STREAM = 3,      /* the key, the array of entries */
    DEPTH_ENTRY = 5,       /* the id, the array of fields */
    DEPTH_FIELD = 6,       /* a name or a value */
};

enum member {
    MEMBER_OTHER,
    MEMBER_LENGTH,
    MEMBER_ENTRIES_ADDED,
    MEMBER_LAST_GENERATED,
    MEMBER_FIRST,
    MEMBERS,
};

static const char TOO_OLD[] = "XINFO STREAM has no entries-added, so it is older than Redis 7.0";

void stream_read_command(struct text_buffer *out, const char *key, const struct entry_id *after,
                         unsigned count)
{
    char id[ENTRY_ID_TEXT_BYTES], number[16];
    snprintf(number, sizeof number, "%u", count);
    resp_command_words(out, (const char *[]){"MULTI"}, 1);
    resp_command_words(out, (const char *[]){"XINFO", "STREAM", key}, 3);
    resp_command_words(
        out, (const char *[]){"XREAD", "COUNT", number, "STREAMS", key, entry_id_format(after, id)},
        6);
    resp_command_words(out, (const char *[]){"EXEC"}, 1);
}

void stream_read_wait_command(struct text_buffer *out, const char *key,
                              const struct entry_id *after, unsigned block_ms)
{
    char id[ENTRY_ID_TEXT_BYTES], number[16];
    snprintf(number, sizeof number, "%u", block_ms);
    resp_command_words(out,
                       (const char *[]){"XREAD", "COUNT", "1", "BLOCK", number, "STREAMS", key,
                                        entry_id_format(after, id)},
                       8);
}

void stream_read_begin(struct stream_read *read)
{
    read->info = (struct stream_info){0};
    read->count = 0;
    read->error[0] = '\0';
    read->wrong = NULL;
    read->is_done = false;
    read->reply = 0;
    read->found = 0;
}

/* Keeps the first error. */
static void refuse(struct stream_read *read, const char *error, uint64_t size)
{
    if (read->error[0] == '\0')
        snprintf(read->error, sizeof read->error, "%.*s",
                 (int)(size < STREAM_READ_ERROR_BYTES ? size : STREAM_READ_ERROR_BYTES), error);
}

static enum stream_read_result fail(struct stream_read *read, const char *wrong)
{
    read->wrong = wrong;
    return STREAM_READ_INVALID;
}

/* ---- XINFO ---- */

static unsigned find_member(const struct resp_element *name)
{
    static const char *const names[MEMBERS] = {
        [MEMBER_LENGTH] = "length",
        [MEMBER_ENTRIES_ADDED] = "entries-added",
        [MEMBER_LAST_GENERATED] = "last-generated-id",
        [MEMBER_FIRST] = "first-entry",
    };
    unsigned member = MEMBER_LENGTH;
    while (member < MEMBERS && !resp_element_is(name, names[member]))
        member++;
    return member < MEMBERS ? member : MEMBER_OTHER;
}

static bool is_id(struct entry_id *id, const struct resp_element *element)
{
    return element->kind == RESP_BULK && element->bytes != NULL &&
           stream_id_parse(id, element->bytes, (size_t)element->size);
}

static bool is_count(uint64_t *count, const struct resp_element *element)
{
    if (element->kind != RESP_INTEGER || element->integer < 0)
        return false;
    *count = (uint64_t)element->integer;
    return true;
}

/* Takes the value of a member. Returns false if it is of another kind. */
static bool take_value(struct stream_read *read, const struct resp_element *element)
{
    struct stream_info *info = &read->info;
    read->found |= 1u << read->member;
    switch (read->member) {
    case MEMBER_LENGTH:
        return is_count(&info->length, element);
    case MEMBER_ENTRIES_ADDED:
        return is_count(&info->entries_added, element);
    case MEMBER_LAST_GENERATED:
        return is_id(&info->last_generated, element);
    case MEMBER_FIRST:
        return element->kind == RESP_ARRAY || element->kind == RESP_NULL;
    default:
        return true;
    }
}

static enum stream_read_result take_info(struct stream_read *read,
                                         const struct resp_element *element)
{
    if (element->depth == DEPTH_INFO && element->index % 2 == 0)
        read->member = find_member(element);
    else if (element->depth == DEPTH_INFO && !take_value(read, element))
        return fail(read, "a member of XINFO STREAM has a value of another kind");
    else if (element->depth == DEPTH_FIRST_ENTRY && read->member == MEMBER_FIRST &&
             element->index == 0 && !is_id(&read->info.first, element))
        return fail(read, "the first entry of XINFO STREAM has no id");
    return STREAM_READ_MORE;
}

/* Checks the members when the result of XREAD follows. A key that does not exist has none. */
static enum stream_read_result check_info(struct stream_read *read)
{
    const unsigned needed = 1u << MEMBER_LENGTH | 1u << MEMBER_LAST_GENERATED | 1u << MEMBER_FIRST;
    if (read->found == 0 || read->error[0] != '\0')
        return STREAM_READ_MORE;
    if ((read->found & needed) != needed)
        return fail(read, "a member of XINFO STREAM is missing");
    if ((read->found & 1u << MEMBER_ENTRIES_ADDED) == 0)
        refuse(read, TOO_OLD, sizeof TOO_OLD - 1);
    return STREAM_READ_MORE;
}

/* ---- XREAD ---- */

static enum stream_read_result end_entry(struct stream_read *read)
{
    stream_entry_end(&read->entry);
    read->count++;
    return STREAM_READ_ENTRY;
}

static enum stream_read_result take_field(struct stream_read *read,
                                          const struct resp_element *element)
{
    if (element->kind != RESP_BULK)
        return fail(read, "a field of an entry is not a string");
    if (element->index % 2 == 0)
        read->field = stream_field_find(element->bytes, element->size);
    else
        stream_entry_add(&read->entry, read->field, element->bytes, element->size);
    if (!element->is_last)
        return STREAM_READ_MORE;
    return element->index % 2 == 1 ? end_entry(read)
                                   : fail(read, "a field of an entry has no value");
}

static enum stream_read_result take_entries(struct stream_read *read,
                                            const struct resp_element *element)
{
    struct entry_id id;
    if (element->depth == DEPTH_FIELD)
        return take_field(read, element);
    if (element->depth != DEPTH_ENTRY) {
        bool is_key = element->depth == DEPTH_STREAM && element->index % 2 == 0;
        return element->kind == (is_key ? RESP_BULK : RESP_ARRAY)
                   ? STREAM_READ_MORE
                   : fail(read, "the result of XREAD is not a list of entries");
    }
    if (element->index == 0) {
        if (!is_id(&id, element) || element->is_last)
            return fail(read, "an entry is not an id and its fields");
        stream_entry_begin(&read->entry, &id);
        return STREAM_READ_MORE;
    }
    if (element->index > 1 || element->kind != RESP_ARRAY)
        return fail(read, "an entry is not an id and its fields");
    return element->integer > 0 ? STREAM_READ_MORE : end_entry(read);
}

/* ---- the replies ---- */

static enum stream_read_result take_result(struct stream_read *read,
                                           const struct resp_element *element)
{
    static const char no_key[] = "ERR no such key";
    read->section = element->index;
    if (element->index > SECTION_ENTRIES)
        return fail(read, "the reply to EXEC has more than two results");
    if (element->kind == RESP_ERROR) {
        if (read->section != SECTION_INFO || !resp_element_is(element, no_key))
            refuse(read, element->bytes, element->size);
        return STREAM_READ_MORE;
    }
    if (element->kind != RESP_ARRAY &&
        (read->section == SECTION_INFO || element->kind != RESP_NULL))
        return fail(read, "the reply to EXEC is not that of XINFO and XREAD");
    return read->section == SECTION_INFO ? STREAM_READ_MORE : check_info(read);
}

static enum stream_read_result take_exec(struct stream_read *read,
                                         const struct resp_element *element)
{
    if (element->depth == 0) {
        if (element->kind == RESP_ARRAY && element->integer == 2)
            return STREAM_READ_MORE;
        return fail(read, "the reply to EXEC has no two results");
    }
    if (element->depth == DEPTH_RESULT)
        return take_result(read, element);
    return read->section == SECTION_INFO ? take_info(read, element) : take_entries(read, element);
}

enum stream_read_result stream_read_take(struct stream_read *read,
                                         const struct resp_element *element)
{
    enum stream_read_result result = STREAM_READ_MORE;
    bool is_exec = read->reply == REPLY_EXEC;
    if (element->depth == 0 && element->kind == RESP_ERROR)
        refuse(read, element->bytes, element->size);
    else if (is_exec && read->error[0] == '\0')
        result = take_exec(read, element);
    if (result == STREAM_READ_INVALID || !element->ends_reply)
        return result;
    read->reply++;
    read->is_done = is_exec;
    if (!is_exec)
        return STREAM_READ_MORE;
    if (read->error[0] != '\0')
        return STREAM_READ_REFUSED;
    return result == STREAM_READ_ENTRY ? result : STREAM_READ_DONE;
}
