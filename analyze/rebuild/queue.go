package rebuild

import (
	"context"
	"sync"
)

// queue hands out jobs: one whose needs are all done, in the order in which
// they were given.
type queue struct {
	mu      sync.Mutex
	changed *sync.Cond
	ready   []*Job
	waits   map[string]int    // how many needs are not done
	users   map[string][]*Job // who waits for a derivation
	open    map[*Job]bool     // not finished
	order   []*Job
	running int
}

func newQueue(jobs []*Job) *queue {
	q := &queue{waits: map[string]int{}, users: map[string][]*Job{}, open: map[*Job]bool{}, order: jobs}
	q.changed = sync.NewCond(&q.mu)
	for _, j := range jobs {
		q.open[j] = true
	}
	have := map[string]bool{}
	for _, j := range jobs {
		have[j.Drv] = true
	}
	for _, j := range jobs {
		for _, n := range j.Needs {
			if have[n] && n != j.Drv {
				q.waits[j.Drv]++
				q.users[n] = append(q.users[n], j)
			}
		}
		if q.waits[j.Drv] == 0 {
			q.ready = append(q.ready, j)
		}
	}
	return q
}

// next waits for a job; nil when there are no more, when ctx is done, or when
// those that are left wait for each other.
func (q *queue) next(ctx context.Context) *Job {
	stop := context.AfterFunc(ctx, q.wake)
	defer stop()
	q.mu.Lock()
	defer q.mu.Unlock()
	for {
		if ctx.Err() != nil || len(q.open) == 0 {
			return nil
		}
		if len(q.ready) > 0 {
			j := q.ready[0]
			q.ready = q.ready[1:]
			q.running++
			return j
		}
		if q.running == 0 {
			return nil
		}
		q.changed.Wait()
	}
}

// finish marks a job that next gave as ended; done is false where there is no
// result of it.
func (q *queue) finish(j *Job, done bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	defer q.changed.Broadcast()
	q.running--
	if !done {
		return
	}
	delete(q.open, j)
	for _, u := range q.users[j.Drv] {
		if q.waits[u.Drv]--; q.waits[u.Drv] == 0 {
			q.ready = append(q.ready, u)
		}
	}
}

func (q *queue) wake() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.changed.Broadcast()
}

// left lists the jobs that were not finished, in order.
func (q *queue) left() []*Job {
	q.mu.Lock()
	defer q.mu.Unlock()
	var jobs []*Job
	for _, j := range q.order {
		if q.open[j] {
			jobs = append(jobs, j)
		}
	}
	return jobs
}
