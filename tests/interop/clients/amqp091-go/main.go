// The scenarios through amqp091-go.
//
//	scenarios HOST:PORT,HOST:PORT,HOST:PORT [SCENARIO...]
package main

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

var (
	nodes  []string
	opened []*amqp.Connection // closed when their scenario ends
	serial atomic.Int64
)

type cannot string

func main() {
	nodes = strings.Split(os.Args[1], ",")
	fmt.Println("version", version())
	wanted := os.Args[2:]
	for name := range scenarios {
		if len(os.Args) == 2 {
			wanted = append(wanted, name)
		}
	}
	for _, name := range wanted {
		fmt.Println(play(name))
		for _, connection := range opened {
			connection.Close()
		}
		opened = nil
	}
}

// play runs a scenario, whose failures are panics.
func play(name string) (line string) {
	defer func() {
		switch failure := recover().(type) {
		case nil:
		case cannot:
			line = fmt.Sprintf("cannot %s: %s", name, string(failure))
		default:
			line = fmt.Sprintf("not ok %s: %s", name, strings.ReplaceAll(fmt.Sprint(failure), "\n", " "))
		}
	}()
	scenarios[name]()
	return "ok " + name
}

func version() string {
	information, _ := debug.ReadBuildInfo()
	for _, module := range information.Deps {
		if module.Path == "github.com/rabbitmq/amqp091-go" {
			return strings.TrimPrefix(module.Version, "v")
		}
	}
	return "unknown"
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func must[T any](value T, err error) T {
	check(err)
	return value
}

func equal(actual, expected any) {
	if !reflect.DeepEqual(actual, expected) {
		panic(fmt.Sprintf("%#v, not %#v", actual, expected))
	}
}

func waitUntil(what string, condition func() bool) {
	for deadline := time.Now().Add(10 * time.Second); !condition(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			panic("waited 10 s in vain for " + what)
		}
	}
}

func fresh(name string) string {
	return fmt.Sprintf("amqp091-go-%s-%d-%d", name, time.Now().UnixNano(), serial.Add(1))
}

func numbers(count int) []string {
	texts := make([]string, count)
	for i := range texts {
		texts[i] = fmt.Sprint(i)
	}
	return texts
}

func dial(node int, password string, heartbeat time.Duration) (*amqp.Connection, error) {
	connection, err := amqp.DialConfig(fmt.Sprintf("amqp://guest:%s@%s/", password, nodes[node]),
		amqp.Config{Heartbeat: heartbeat})
	if err == nil {
		opened = append(opened, connection)
	}
	return connection, err
}

func connect(node int) *amqp.Connection {
	return must(dial(node, "guest", 30*time.Second))
}

// channelOf opens a channel in confirm mode.
func channelOf(connection *amqp.Connection) *amqp.Channel {
	channel := must(connection.Channel())
	check(channel.Confirm(false))
	return channel
}

// send publishes persistently and returns when all is confirmed.
func send(channel *amqp.Channel, exchange, key string, bodies ...string) {
	check(trySend(channel, exchange, key, bodies...))
}

func trySend(channel *amqp.Channel, exchange, key string, bodies ...string) error {
	var pending []*amqp.DeferredConfirmation
	for _, body := range bodies {
		confirmation, err := channel.PublishWithDeferredConfirm(exchange, key, false, false,
			amqp.Publishing{DeliveryMode: amqp.Persistent, Body: []byte(body)})
		if err != nil {
			return err
		}
		pending = append(pending, confirmation)
	}
	for _, confirmation := range pending {
		if !confirmation.Wait() {
			return errors.New("nacked, or closed before the confirm")
		}
	}
	return nil
}

// queueOf declares a durable queue with confirmed messages.
func queueOf(channel *amqp.Channel, name string, arguments amqp.Table, bodies ...string) string {
	queue := must(channel.QueueDeclare(fresh(name), true, false, false, false, arguments)).Name
	send(channel, "", queue, bodies...)
	return queue
}

func get(channel *amqp.Channel, queue string) amqp.Delivery {
	var message amqp.Delivery
	waitUntil("a message in "+queue, func() (found bool) {
		var err error
		message, found, err = channel.Get(queue, false)
		check(err)
		return found
	})
	return message
}

func drained(channel *amqp.Channel, queue string) []string {
	bodies := []string{}
	for {
		message, found, err := channel.Get(queue, true)
		check(err)
		if !found {
			return bodies
		}
		bodies = append(bodies, string(message.Body))
	}
}

// inbox is a consumer; its messages are taken one by one.
type inbox struct {
	tag      string
	messages <-chan amqp.Delivery
}

func consume(channel *amqp.Channel, queue string, autoAck bool) inbox {
	tag := fresh("consumer")
	return inbox{tag, must(channel.Consume(queue, tag, autoAck, false, false, false, nil))}
}

func (in inbox) take(count int) []amqp.Delivery {
	var taken []amqp.Delivery
	timeout := time.After(10 * time.Second)
	for len(taken) < count {
		select {
		case message, alive := <-in.messages:
			if !alive {
				panic(fmt.Sprintf("the consumer ended after %d messages", len(taken)))
			}
			taken = append(taken, message)
		case <-timeout:
			panic(fmt.Sprintf("%d of %d messages came", len(taken), count))
		}
	}
	return taken
}

func (in inbox) staysEmpty() {
	select {
	case message := <-in.messages:
		panic(fmt.Sprintf("%s came", message.Body))
	case <-time.After(300 * time.Millisecond):
	}
}

func bodies(messages []amqp.Delivery) []string {
	texts := []string{}
	for _, message := range messages {
		texts = append(texts, string(message.Body))
	}
	return texts
}

func flags(messages []amqp.Delivery) []bool {
	var redelivered []bool
	for _, message := range messages {
		redelivered = append(redelivered, message.Redelivered)
	}
	return redelivered
}

func refused(code int, err error) {
	var told *amqp.Error
	if !errors.As(err, &told) || told.Code != code {
		panic(fmt.Sprintf("not refused with %d: %v", code, err))
	}
}

func passive(connection *amqp.Connection, queue string) (amqp.Queue, error) {
	channel := must(connection.Channel())
	defer channel.Close()
	return channel.QueueDeclarePassive(queue, false, false, false, false, nil)
}

func isGone(connection *amqp.Connection, queue string) bool {
	_, err := passive(connection, queue)
	var told *amqp.Error
	return errors.As(err, &told) && told.Code == amqp.NotFound
}

func bound(channel *amqp.Channel, exchange, key string, arguments amqp.Table) string {
	queue := must(channel.QueueDeclare("", false, false, true, false, nil)).Name
	check(channel.QueueBind(queue, key, exchange, false, arguments))
	return queue
}

func exchangeOf(channel *amqp.Channel, kind string) string {
	exchange := fresh(kind)
	check(channel.ExchangeDeclare(exchange, kind, true, false, false, false, nil))
	return exchange
}
