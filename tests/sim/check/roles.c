#include "sim/check/roles.h"

#include "server/server_state.h"
#include "sim/core/descriptors.h"
#include "sim/core/scheduler.h"
#include "sim/os/processes.h"
#include "sim/os/signals.h"

#include <string.h>

enum { FIRST = DESCRIPTORS_FIRST, SOCKETS_MAX = DESCRIPTORS_MAX };

static struct role_of_socket roles[SOCKETS_MAX];
static const struct server *server;
static int process = -1;

static void set(int socket, enum role role, int listener, int worker)
{
    if (socket >= FIRST && socket < FIRST + SOCKETS_MAX)
        roles[socket - FIRST] = (struct role_of_socket){role, listener, worker};
}

static void note(int socket, const struct role_of_socket *role)
{
    struct object *object = descriptor_any(socket);
    object->note.role = (uint8_t)role->role;
    object->note.listener = (int16_t)role->listener;
    object->note.worker = (uint8_t)role->worker;
}

/* A process that takes over may read a socket that was not used before. */
static void note_receiver(int socket)
{
    if (socket >= FIRST && descriptor_any(socket) != NULL)
        note(socket, &roles[socket - FIRST]);
}

static void set_senders(const struct send_socket_set *senders, int listener, int worker)
{
    set(senders->on_link, ROLE_CHALLENGE, listener, worker);
    set(senders->reply_reserve, ROLE_REPLY, listener, worker);
    set(senders->copy_reserve, ROLE_COPY, listener, worker);
    for (size_t i = 0; i < SEND_SOCKET_SLOTS_COUNT; i++) {
        set(senders->replies[i], ROLE_REPLY, listener, worker);
        set(senders->copies[i], ROLE_COPY, listener, worker);
    }
}

int roles_process(void)
{
    return process;
}

void roles_reset(void)
{
    memset(roles, 0, sizeof roles);
    server = NULL;
    process = -1;
}

void roles_read(void)
{
    memset(roles, 0, sizeof roles);
    process = processes_server();
    server = simulated_signals_state(process);
    const struct listeners *listeners = &server->sockets.listeners;
    for (size_t i = 0; i < listeners->unicast_count; i++)
        for (size_t k = 0; k < listeners->worker_count; k++) {
            set(listeners->list[i].sockets[k], ROLE_RECEIVER, (int)i, (int)k);
            set_senders(&listeners->list[i].senders[k], (int)i, (int)k);
            note_receiver(listeners->list[i].sockets[k]);
        }
    const struct first_worker_sockets *first = &server->sockets.first_worker;
    for (size_t i = 0; i < first->group_count; i++) {
        const struct multicast_group_sockets *group = &first->groups[i];
        set(group->socket, ROLE_RECEIVER, group->listener, 0);
        set_senders(&group->senders, group->listener, 0);
        if (group->reply_socket < 0)
            continue;
        set(group->reply_socket, ROLE_RECEIVER, group->listener, 0);
        set_senders(&group->reply_senders, group->listener, 0);
    }
    if (first->multicast.socket > 0)
        set(first->multicast.socket, ROLE_MULTICAST, -1, 0);
}

/* A socket that the process before has handed over, and that the new one uses before its workers
 * run, is for what it was for. */
static struct role_of_socket noted_role(int socket)
{
    const struct object *object = descriptor_any(socket);
    const struct role_of_socket *role = &roles[socket - FIRST];
    if (descriptor_process(socket) != process || role->role == ROLE_NONE)
        return (struct role_of_socket){object->note.role, object->note.listener,
                                       object->note.worker};
    note(socket, role);
    return *role;
}

struct role_of_socket role_of(int socket)
{
    /* Challenges beyond their budget are refused before they are sent by any socket. */
    int current = scheduler_current();
    int worker = current >= 0 ? scheduler_worker_of(current) : MAIN_THREAD;
    if (socket == 0)
        return (struct role_of_socket){ROLE_CHALLENGE, 0, worker >= 0 ? worker : 0};
    return noted_role(socket);
}

bool roles_is_unicast(int listener)
{
    return server != NULL && (size_t)listener < server->sockets.listeners.unicast_count;
}

size_t roles_worker_count(void)
{
    return server != NULL ? server->workers.count : 0;
}

const struct client_names *roles_names(void)
{
    return name_decisions_table(server->names);
}

const struct worker *roles_worker(size_t i)
{
    return server->workers.list[i];
}
