#ifndef SIM_WORLD_GATEWAYS_H
#define SIM_WORLD_GATEWAYS_H

/* Sessions of the command `gateway`: they send messages to clients, many at a time, and wrong
 * requests, some of them do not read for a while, and they leave at any moment. Each request with a
 * reference has one result. */
void gateways_draw(void);

/* The server has ended. gateways_draw has them begin again. */
void gateways_disconnect(void);

/* From now on they read, and send nothing more. */
void gateways_end(void);

/* While no thread can run: those that read have got the result of each request. */
void gateways_check_idle(void);

#endif
