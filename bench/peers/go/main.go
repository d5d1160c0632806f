// W0 to W3 by a consumer that is written by hand: franz-go, a goroutine for each partition of a
// fetch, cells in maps. Started by bench/peers/streams/measure.ts with a spec in JSON.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	sample  = 100 * time.Millisecond
	stepMs  = 10_000
	sizeMs  = 60_000
	epochMs = 1_700_000_000_000
)

type spec struct {
	Workload string
	Brokers  string
	Topic    string
	Ends     []int64
	Seconds  float64
	ID       string `json:"id"`
	Answer   string
}

type cell struct {
	url   string
	start int64
}

type stats struct {
	count       int64
	total       float64
	least, most float64
}

// What one partition has come to; only its own goroutine writes it.
type partition struct {
	consumed      atomic.Int64
	events, chars int64
	ms            float64
	ts            int64
	urls          map[string]string
	counts        map[cell]*int64
	windows       map[cell]*stats
}

func main() {
	var given spec
	check(json.Unmarshal([]byte(os.Args[len(os.Args)-1]), &given))
	client, err := kgo.NewClient(
		kgo.SeedBrokers(strings.Split(given.Brokers, ",")...),
		kgo.ConsumerGroup(given.ID),
		kgo.ConsumeTopics(given.Topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchMaxPartitionBytes(2<<20),
	)
	check(err)
	partitions := make([]*partition, len(given.Ends))
	for i := range partitions {
		partitions[i] = &partition{
			urls:    map[string]string{},
			counts:  map[cell]*int64{},
			windows: map[cell]*stats{},
		}
	}
	consume(client, given, partitions)
	check(client.CommitUncommittedOffsets(context.Background()))
	tellAt(partitions)
	fmt.Println(`{"peer":"done"}`)
	// until it has been measured
	_, err = os.Stdin.Read(make([]byte, 1))
	check(err)
	answer(given, partitions)
}

func consume(client *kgo.Client, given spec, partitions []*partition) {
	var all int64
	for _, end := range given.Ends {
		all += end
	}
	context_, cancel := context.WithCancel(context.Background())
	defer cancel()
	isReady := false
	work := workOf(given.Workload)
	told := time.Now()
	for total(partitions) < all {
		fetches := client.PollFetches(context_)
		if fetches.IsClientClosed() || context_.Err() != nil {
			return
		}
		for _, failure := range fetches.Errors() {
			check(failure.Err)
		}
		if !isReady {
			isReady = true
			fmt.Printf("{\"peer\":\"ready\",\"version\":%q}\n", version())
			time.AfterFunc(time.Duration(given.Seconds*float64(time.Second)), cancel)
		}
		var running sync.WaitGroup
		fetches.EachPartition(func(fetched kgo.FetchTopicPartition) {
			running.Add(1)
			go func() {
				defer running.Done()
				own := partitions[fetched.Partition]
				for _, record := range fetched.Records {
					work(own, record.Value)
				}
				own.consumed.Add(int64(len(fetched.Records)))
			}()
		})
		running.Wait()
		if time.Since(told) > sample {
			told = time.Now()
			tellAt(partitions)
		}
	}
}

func workOf(workload string) func(*partition, []byte) {
	switch workload {
	case "w0":
		return func(own *partition, value []byte) {
			url, ms, ts := read(value)
			own.events++
			own.chars += int64(len(url))
			own.ms += ms
			own.ts += ts - epochMs
		}
	case "w1":
		return func(own *partition, value []byte) {
			url, _, ts := read(value)
			own.count(url, ts-ts%stepMs)
		}
	case "w2":
		return func(own *partition, value []byte) {
			url, ms, ts := read(value)
			newest := ts - ts%stepMs
			for start := newest; start > newest-sizeMs; start -= stepMs {
				own.add(url, start, ms)
			}
		}
	}
	return func(own *partition, value []byte) {
		url, _, _ := read(value)
		own.count(url, 0)
	}
}

// The text that stands for it in all cells: a url is made only when it is new.
func (own *partition) text(url []byte) string {
	if known, ok := own.urls[string(url)]; ok {
		return known
	}
	text := string(url)
	own.urls[text] = text
	return text
}

func (own *partition) count(url []byte, start int64) {
	key := cell{own.text(url), start}
	if count, ok := own.counts[key]; ok {
		*count++
		return
	}
	one := int64(1)
	own.counts[key] = &one
}

func (own *partition) add(url []byte, start int64, ms float64) {
	key := cell{own.text(url), start}
	found, ok := own.windows[key]
	if !ok {
		found = &stats{least: math.Inf(1), most: math.Inf(-1)}
		own.windows[key] = found
	}
	found.count++
	found.total += ms
	found.least = math.Min(found.least, ms)
	found.most = math.Max(found.most, ms)
}

func total(partitions []*partition) (sum int64) {
	for _, own := range partitions {
		sum += own.consumed.Load()
	}
	return
}

func tellAt(partitions []*partition) {
	text := make([]string, len(partitions))
	for i, own := range partitions {
		text[i] = fmt.Sprint(own.consumed.Load())
	}
	fmt.Printf("{\"peer\":\"at\",\"consumed\":[%s]}\n", strings.Join(text, ","))
}

func answer(given spec, partitions []*partition) {
	file, err := os.Create(given.Answer)
	check(err)
	out := bufio.NewWriter(file)
	fmt.Fprint(out, "consumed")
	all := partition{}
	for _, own := range partitions {
		fmt.Fprintf(out, "\t%d", own.consumed.Load())
		all.events += own.events
		all.chars += own.chars
		all.ms += own.ms
		all.ts += own.ts
	}
	fmt.Fprintln(out)
	if given.Workload == "w0" {
		fmt.Fprintf(out, "\t0\t%d\t%d\t%v\t%d\n", all.events, all.chars, all.ms, all.ts)
	}
	for _, own := range partitions {
		for key, count := range own.counts {
			fmt.Fprintf(out, "%s\t%d\t%d\n", key.url, key.start, *count)
		}
		for key, each := range own.windows {
			fmt.Fprintf(out, "%s\t%d\t%d\t%v\t%v\t%v\n",
				key.url, key.start, each.count, each.total, each.least, each.most)
		}
	}
	check(out.Flush())
	check(file.Close())
}

func version() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, module := range info.Deps {
			if module.Path == "github.com/twmb/franz-go" {
				return "franz-go " + module.Version + ", " + runtime.Version()
			}
		}
	}
	return runtime.Version()
}

func check(err error) {
	if err == nil {
		return
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
