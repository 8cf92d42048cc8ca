#include "server/state/handed_clients.h"

#include <errno.h>
#include <string.h>

/* ---- pieces of memory ---- */

void handed_memory_put(const struct shared_memory *memory, uint64_t layout,
                       struct handover_writer *writer)
{
    bool exists = memory->memory != NULL && memory->descriptor >= 0;
    handover_put8(writer, exists);
    handover_put64(writer, layout);
    if (exists)
        handover_put_descriptor(writer, memory->descriptor);
}

static void get_memory(struct handed_memory *handed, struct handover_reader *reader)
{
    bool exists = handover_get8(reader) != 0;
    handed->layout = handover_get64(reader);
    if (exists)
        handed->descriptor = handover_get_descriptor(reader);
}

int handed_memory_map(struct handed_memory *handed, uint64_t layout, size_t bytes, size_t committed,
                      struct shared_memory *memory)
{
    if (handed == NULL || handed->descriptor < 0)
        return -ENOENT;
    if (handed->layout != layout)
        return -EPROTO;
    int error = memory_map_shared(memory, handed->descriptor, bytes, committed);
    if (error == 0)
        handed->descriptor = -1;
    return error;
}

/* ---- all of it ---- */

void clients_setting_hand_over(const struct clients_setting *setting,
                               struct handover_writer *writer)
{
    handover_put64(writer, setting->layout);
    handover_put16(writer, (uint16_t)setting->worker_count);
    handover_put32(writer, setting->clients_max);
    handover_put32(writer, setting->names_max);
    handover_put8(writer, setting->names);
    handover_put64(writer, setting->names_id);
    handover_put8(writer, setting->is_by_source);
    handover_put8(writer, (uint8_t)setting->listener_count);
    for (size_t i = 0; i < setting->listener_count; i++) {
        handover_put8(writer, setting->transports[i]);
        handover_put_text(writer, setting->listeners[i]);
    }
}

static int get_listeners(struct clients_setting *setting, struct handover_reader *reader)
{
    setting->listener_count = handover_get8(reader);
    if (setting->listener_count > CONFIG_LISTEN_MAX)
        return -EPROTO;
    for (size_t i = 0; i < setting->listener_count; i++) {
        setting->transports[i] = handover_get8(reader);
        const char *text = handover_get_text(reader);
        if (setting->transports[i] > TRANSPORT_UNIX || text == NULL ||
            strlen(text) >= sizeof setting->listeners[i])
            return -EPROTO;
        strcpy(setting->listeners[i], text);
    }
    return 0;
}

static int get_setting(struct clients_setting *setting, struct handover_reader *reader)
{
    setting->layout = handover_get64(reader);
    size_t worker_count = handover_get16(reader);
    setting->clients_max = handover_get32(reader);
    setting->names_max = handover_get32(reader);
    setting->names = handover_get8(reader);
    setting->names_id = handover_get64(reader);
    setting->is_by_source = handover_get8(reader);
    if (worker_count > CONFIG_WORKERS_MAX)
        return -EPROTO;
    setting->worker_count = worker_count;
    return get_listeners(setting, reader);
}

int handed_clients_take_over(struct handed_clients *handed, struct handover_reader *reader)
{
    *handed = (struct handed_clients){.keeps_memory = false};
    struct handed_memory *const others[] = {&handed->capacity, &handed->prefixes, &handed->limiter,
                                            &handed->names};
    enum { OTHERS = sizeof others / sizeof others[0] };
    for (size_t i = 0; i < CONFIG_WORKERS_MAX; i++)
        handed->registries[i].descriptor = -1;
    for (size_t i = 0; i < OTHERS; i++)
        others[i]->descriptor = -1;
    if (get_setting(&handed->setting, reader) != 0)
        return -EPROTO;
    for (size_t i = 0; i < handed->setting.worker_count; i++)
        get_memory(&handed->registries[i], reader);
    for (size_t i = 0; i < OTHERS; i++)
        get_memory(others[i], reader);
    return reader->failed ? -EPROTO : 0;
}

/* A listener is known by its number in the memory of the clients. */
static bool has_same_listeners(const struct clients_setting *a, const struct clients_setting *b)
{
    if (a->listener_count != b->listener_count)
        return false;
    for (size_t i = 0; i < a->listener_count; i++)
        if (a->transports[i] != b->transports[i] || strcmp(a->listeners[i], b->listeners[i]) != 0)
            return false;
    return true;
}

/* With several workers each shared piece of the memory must have been there. */
static bool has_all_memory(const struct handed_clients *handed)
{
    for (size_t i = 0; i < handed->setting.worker_count; i++)
        if (handed->registries[i].descriptor < 0)
            return false;
    return (handed->setting.worker_count == 1 || handed->capacity.descriptor >= 0) &&
           (handed->setting.names == NAMES_OFF || handed->names.descriptor >= 0);
}

void handed_clients_decide(struct handed_clients *handed, const struct clients_setting *own)
{
    const struct clients_setting *setting = &handed->setting;
    handed->keeps_memory =
        setting->layout == own->layout && setting->worker_count == own->worker_count &&
        setting->clients_max == own->clients_max && setting->names_max == own->names_max &&
        setting->names == own->names && setting->names_id == own->names_id &&
        setting->is_by_source == own->is_by_source && has_same_listeners(setting, own) &&
        has_all_memory(handed);
}

void handed_memory_close(struct handed_memory *handed)
{
    if (handed->descriptor >= 0)
        memory_close_shared(handed->descriptor);
    handed->descriptor = -1;
}

void handed_clients_close(struct handed_clients *handed)
{
    for (size_t i = 0; i < handed->setting.worker_count; i++)
        handed_memory_close(&handed->registries[i]);
    handed_memory_close(&handed->capacity);
    handed_memory_close(&handed->prefixes);
    handed_memory_close(&handed->limiter);
    handed_memory_close(&handed->names);
}
