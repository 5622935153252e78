/* librdkafka's own consumer, as fast as it goes: reads a topic once, from its start to its end.
 *
 * usage: bench_topics TOPIC PARTITIONS RECORDS NAME=VALUE...
 * Prints the seconds from the first record to the last. Linked with the very library that
 * confluent_kafka brings, of which only the functions that are used are declared here (rdkafka.h).
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct { int err; void *rkt; int32_t partition; void *payload; size_t len; void *key;
  size_t key_len; int64_t offset; void *priv; } message;

void *rd_kafka_conf_new(void);
int rd_kafka_conf_set(void *, const char *, const char *, char *, size_t);
void *rd_kafka_new(int, void *, char *, size_t);
void *rd_kafka_topic_partition_list_new(int);
void *rd_kafka_topic_partition_list_add(void *, const char *, int32_t);
int rd_kafka_topic_partition_list_set_offset(void *, const char *, int32_t, int64_t);
int rd_kafka_assign(void *, const void *);
void *rd_kafka_queue_get_consumer(void *);
int rd_kafka_poll_set_consumer(void *);
ssize_t rd_kafka_consume_batch_queue(void *, int, message **, size_t);
void rd_kafka_message_destroy(message *);

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

int main(int count, char **words) {
  enum { BATCH = 5000 };
  static message *some[BATCH];
  char error[512];
  void *conf = rd_kafka_conf_new(), *places, *client, *queue;
  long wanted = atol(words[3]), got = 0;
  int partitions = atoi(words[2]);
  double first = 0;
  for (int i = 4; i < count; i++) {
    char *value = strchr(words[i], '=');
    *value++ = 0;
    if (rd_kafka_conf_set(conf, words[i], value, error, sizeof error)) {
      fprintf(stderr, "%s\n", error);
      return 1;
    }
  }
  client = rd_kafka_new(1, conf, error, sizeof error); /* RD_KAFKA_CONSUMER */
  if (!client) {
    fprintf(stderr, "%s\n", error);
    return 1;
  }
  rd_kafka_poll_set_consumer(client);
  places = rd_kafka_topic_partition_list_new(partitions);
  for (int i = 0; i < partitions; i++) {
    rd_kafka_topic_partition_list_add(places, words[1], i);
    rd_kafka_topic_partition_list_set_offset(places, words[1], i, 0);
  }
  rd_kafka_assign(client, places);
  queue = rd_kafka_queue_get_consumer(client);
  while (got < wanted) {
    ssize_t n = rd_kafka_consume_batch_queue(queue, 1000, some, BATCH);
    if (!first && n > 0) first = now();
    for (ssize_t i = 0; i < n; i++) {
      if (!some[i]->err) got++;
      rd_kafka_message_destroy(some[i]);
    }
  }
  printf("%.6f\n", now() - first);
  return 0;
}
