// Records audit events over HTTP with the standard library alone.
//
//	DOCKET_URL=http://localhost:8080 DOCKET_KEY=dk_... go run . acme
//
// Prints the id of each event once Docket has it (HTTP 202: Kafka has it on all replicas that are in sync).
package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"log"
	mathrand "math/rand"
	"net/http"
	"os"
	"strconv"
	"time"
)

const (
	attemptsMax     = 8
	attemptTimeout  = 10 * time.Second
	answerBytesMax  = 1 << 20
	retryAfterLimit = time.Minute
)

// Event has the fields that this example uses; docs/event.md has all.
type Event struct {
	ID        string     `json:"id"`
	TenantID  string     `json:"tenant_id"`
	Action    string     `json:"action"`
	Category  string     `json:"category,omitempty"`
	Operation string     `json:"operation,omitempty"`
	Outcome   string     `json:"outcome,omitempty"`
	Actor     Entity     `json:"actor"`
	Resources []Entity   `json:"resources,omitempty"`
	Source    SourceInfo `json:"source"`
}

type Entity struct {
	Type string `json:"type"`
	ID   string `json:"id"`
	Name string `json:"name,omitempty"`
}

type SourceInfo struct {
	Service string `json:"service"`
}

// Record sends up to 1,000 events and retries what is worth a retry. An event without an id gets one here, once, so that a retry
// is harmless: what has arrived already is recognised.
func Record(ctx context.Context, events []Event) error {
	for i := range events {
		if events[i].ID == "" {
			events[i].ID = newID()
		}
	}
	body, err := json.Marshal(map[string][]Event{"events": events})
	if err != nil {
		return err
	}
	for attempt := 1; ; attempt++ {
		wait, err := post(ctx, body)
		if err == nil {
			return nil
		}
		if wait < 0 || attempt == attemptsMax {
			return err
		}
		if wait == 0 {
			// Full jitter: many clients that failed together do not come back together.
			wait = time.Duration(mathrand.Int63n(int64(min(15*time.Second, time.Second<<attempt))))
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// post says how long to wait before the next attempt: 0 when nobody said, negative when another attempt is pointless.
func post(ctx context.Context, body []byte) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, os.Getenv("DOCKET_URL")+"/v1/events", bytes.NewReader(body))
	if err != nil {
		return -1, err
	}
	request.Header.Set("Authorization", "Bearer "+os.Getenv("DOCKET_KEY"))
	request.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err // the events may have arrived
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, answerBytesMax))
	if err != nil {
		return 0, err
	}
	if answer.StatusCode == http.StatusAccepted {
		return 0, nil
	}
	err = fmt.Errorf("docket answered %d: %s", answer.StatusCode, text)
	switch answer.StatusCode {
	case 408, 425, 429, 500, 502, 503, 504:
		return retryAfter(answer), err
	}
	return -1, err
}

func retryAfter(answer *http.Response) time.Duration {
	seconds, err := strconv.Atoi(answer.Header.Get("Retry-After"))
	if err != nil || seconds < 0 {
		return 0
	}
	return min(time.Duration(seconds)*time.Second, retryAfterLimit)
}

// newID makes a random UUID (RFC 9562, version 4).
func newID() string {
	var id [16]byte
	if _, err := rand.Read(id[:]); err != nil {
		panic(err)
	}
	id[6] = id[6]&0x0f | 0x40
	id[8] = id[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", id[0:4], id[4:6], id[6:8], id[8:10], id[10:16])
}

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: go-http TENANT")
	}
	events := []Event{
		{
			TenantID:  os.Args[1],
			Action:    "invoice.paid",
			Category:  "data",
			Operation: "update",
			Actor:     Entity{Type: "service", ID: "billing"},
			Resources: []Entity{{Type: "invoice", ID: "i_42", Name: "№ 42"}},
			Source:    SourceInfo{Service: "go-http"},
		},
		{
			TenantID: os.Args[1],
			Action:   "invoice.opened",
			Outcome:  "denied",
			Actor:    Entity{Type: "user", ID: "u_3"},
			Source:   SourceInfo{Service: "go-http"},
		},
	}
	if err := Record(context.Background(), events); err != nil {
		log.Fatal(err)
	}
	for _, event := range events {
		fmt.Println(event.ID)
	}
}
