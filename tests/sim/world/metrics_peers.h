#ifndef SIM_WORLD_METRICS_PEERS_H
#define SIM_WORLD_METRICS_PEERS_H

/* HTTP clients of metrics.listen: they send requests at once, in pieces, several at a time, wrong
 * ones or nothing, some read slowly, and they leave at any moment. Each request has one answer. */
void metrics_peers_draw(void);

/* The server has ended. metrics_peers_draw has them begin again. */
void metrics_peers_disconnect(void);

/* While no thread can run: those that read have got the answer to each request; connections are
 * bounded in number and in time. */
void metrics_peers_check_idle(void);

#endif
