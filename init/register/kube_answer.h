#ifndef INIT_REGISTER_KUBE_ANSWER_H
#define INIT_REGISTER_KUBE_ANSWER_H

#include <stdbool.h>

#include "init/net/http.h"
#include "init/register/table.h"
#include "init/sys/err.h"
#include "init/sys/json.h"

/*
 * What an answer of the Kubernetes API about one ConfigMap means (Kubernetes API conventions, "HTTP
 * status codes" and "Response status kind"; core/v1 ConfigMap). Whatever answers is a stranger until it
 * has said something that an API server says: a proxy's page, a page of another service on that
 * address, half an answer are told as such and prove nothing about the ConfigMap.
 */

struct kube_question {
    const char *verb;   /* RBAC's: "get" or "update" */
    const char *name;   /* of the ConfigMap */
    const char *space;  /* its namespace */
    const char *server; /* who was asked */
};

enum kube_verdict {
    KUBE_DONE,      /* the ConfigMap is there, as asked or as updated */
    KUBE_CONFLICT,  /* it was changed since it was read */
    KUBE_TOKEN,     /* 401: ERR_DENIED unless a newer token helps */
    KUBE_NOT_TAKEN, /* 429: nothing was done, ERR_LATER */
    KUBE_NO_ANSWER, /* nothing that tells what became of the question: ERR_LATER */
    KUBE_NEVER,     /* asking again does not help */
};

/* Judges a whole answer. *object is the ConfigMap with KUBE_DONE, for json_free, else NULL; ERR is set
 * with all verdicts but KUBE_DONE and KUBE_CONFLICT. */
enum kube_verdict kube_answer_judge(const struct kube_question *question,
                                    const struct http_answer *answer, struct json **object,
                                    struct err *err);

/* The texts under `data` of a ConfigMap that was judged, into the empty TABLE. Values may be any text. */
bool kube_answer_table(const struct json *object, struct register_table *table, struct err *err);

/* Puts the values of TABLE that differ into `data` of OBJECT; all else there stays as it is. False
 * when out of memory. */
bool kube_answer_put(struct json *object, const struct register_table *table);

#endif
