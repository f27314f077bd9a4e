package main

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"strconv"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

var scenarios = map[string]func(){
	"hello": hello, "login-refused": loginRefused, "confirms": confirms, "prefetch": prefetch,
	"nack": nack, "reject": reject, "recover": recovered, "return": returned,
	"properties": properties, "exchanges": exchanges, "topic-wildcards": topicWildcards,
	"exchange-binding": exchangeBinding, "server-named": serverNamed, "exclusive": exclusive,
	"auto-delete": autoDelete, "redeclare": redeclare, "missing-queue": missingQueue,
	"counts": counts, "consumer-cancelled": consumerCancelled, "channels": channels,
	"large-body": largeBody, "heartbeat": heartbeat, "close-consuming": closeConsuming,
	"fair-dispatch": fairDispatch, "rpc": rpc, "failover": failover, "tx": tx,
	"direct-reply-to": directReplyTo, "dead-letter": deadLetter, "priority": priority,
	"max-length": maxLength, "single-active-consumer": singleActiveConsumer,
}

func hello() {
	here, there := must(connect(0).Channel()), must(connect(1).Channel())
	queue := must(here.QueueDeclare(fresh("hello"), false, false, false, false, nil)).Name
	check(here.Publish("", queue, false, false, amqp.Publishing{Body: []byte("hello")}))
	equal(string(get(there, queue).Body), "hello")
}

func loginRefused() {
	_, err := dial(0, "wrong", 30*time.Second)
	refused(amqp.AccessRefused, err)
}

func confirms() {
	connection := connect(0)
	queue := queueOf(channelOf(connection), "confirms", nil, numbers(1000)...)
	equal(must(passive(connection, queue)).Messages, 1000)
}

func prefetch() {
	channel := channelOf(connect(0))
	queue := queueOf(channel, "prefetch", nil, numbers(20)...)
	check(channel.Qos(5, 0, false))
	in := consume(channel, queue, false)
	var came []amqp.Delivery
	for len(came) < 20 {
		came = append(came, in.take(5)...)
		in.staysEmpty()
		check(came[len(came)-1].Ack(true))
	}
	equal(bodies(came), numbers(20))
}

func nack() {
	channel := channelOf(connect(0))
	queue := queueOf(channel, "nack", nil, "work")
	first := get(channel, queue)
	equal(first.Redelivered, false)
	check(first.Nack(false, true))
	again := get(channel, queue)
	equal([]any{again.Redelivered, string(again.Body)}, []any{true, "work"})
	check(again.Ack(false))
}

func reject() {
	channel := channelOf(connect(0))
	queue := queueOf(channel, "reject", nil, "bad", "good")
	check(get(channel, queue).Reject(false))
	equal(drained(channel, queue), []string{"good"})
}

func recovered() {
	channel := channelOf(connect(0))
	in := consume(channel, queueOf(channel, "recover", nil, numbers(3)...), false)
	in.take(3)
	check(channel.Recover(true))
	again := in.take(3)
	equal(bodies(again), numbers(3))
	equal(flags(again), []bool{true, true, true})
}

func returned() {
	channel := channelOf(connect(0))
	returns := channel.NotifyReturn(make(chan amqp.Return, 1))
	check(channel.Publish("", fresh("nowhere"), true, false, amqp.Publishing{Body: []byte("lost")}))
	select {
	case message := <-returns:
		equal([]any{int(message.ReplyCode), string(message.Body)}, []any{amqp.NoRoute, "lost"})
	case <-time.After(10 * time.Second):
		panic("it did not come back")
	}
}

func properties() {
	moment := time.Unix(1700000000, 0)
	headers := amqp.Table{
		"bool": true, "byte": byte(7), "int8": int8(-7), "int16": int16(-300), "int32": int32(-70000),
		"int64": int64(1) << 40, "float32": float32(1.5), "float64": 0.5, "string": "text ☃",
		"decimal": amqp.Decimal{Scale: 2, Value: 125}, "bytes": []byte{0, 255}, "time": moment,
		"void": nil, "table": amqp.Table{"inner": amqp.Table{"deep": int32(1)}},
		"array": []any{int32(1), "two", []any{3.5, false}, amqp.Table{"k": "v"}},
	}
	channel := channelOf(connect(0))
	queue := queueOf(channel, "properties", nil)
	confirmation := must(channel.PublishWithDeferredConfirm("", queue, false, false, amqp.Publishing{
		Headers: headers, ContentType: "text/plain", ContentEncoding: "utf-8", DeliveryMode: 2,
		Priority: 3, CorrelationId: "correlation", ReplyTo: "reply", Expiration: "60000",
		MessageId: "id", Timestamp: moment, Type: "type", UserId: "guest", AppId: "app"}))
	equal(confirmation.Wait(), true)
	came := get(channelOf(connect(1)), queue)
	equal(came.Headers, headers)
	equal([]any{came.ContentType, came.ContentEncoding, came.DeliveryMode, came.Priority,
		came.CorrelationId, came.ReplyTo, came.Expiration, came.MessageId, came.Timestamp, came.Type,
		came.UserId, came.AppId},
		[]any{"text/plain", "utf-8", uint8(2), uint8(3), "correlation", "reply", "60000", "id", moment,
			"type", "guest", "app"})
}

func exchanges() {
	channel := channelOf(connect(0))
	for _, one := range []struct{ kind, key, match, other string }{
		{"direct", "a", "a", "b"}, {"fanout", "a", "b", ""}, {"topic", "a.*", "a.b", "a.b.c"}} {
		exchange := exchangeOf(channel, one.kind)
		queues := []string{bound(channel, exchange, one.key, nil), bound(channel, exchange, one.key, nil)}
		send(channel, exchange, one.match, "yes")
		if one.other != "" {
			send(channel, exchange, one.other, "no")
		}
		for _, queue := range queues {
			equal(drained(channel, queue), []string{"yes"})
		}
	}
	exchange := exchangeOf(channel, "headers")
	whole := bound(channel, exchange, "", amqp.Table{"x-match": "all", "a": 1, "b": "two"})
	some := bound(channel, exchange, "", amqp.Table{"x-match": "any", "a": 1, "b": "two"})
	for _, one := range []struct {
		body    string
		headers amqp.Table
	}{{"both", amqp.Table{"a": 1, "b": "two"}}, {"one", amqp.Table{"a": 1, "b": "three"}},
		{"none", amqp.Table{"c": 1}}} {
		must(channel.PublishWithDeferredConfirm(exchange, "", false, false,
			amqp.Publishing{Headers: one.headers, Body: []byte(one.body)})).Wait()
	}
	equal(drained(channel, whole), []string{"both"})
	equal(drained(channel, some), []string{"both", "one"})
}

func topicWildcards() {
	channel := channelOf(connect(0))
	exchange := exchangeOf(channel, "topic")
	keys := []string{"quick.orange.rabbit", "lazy", "lazy.orange.fox", "rabbit", "orange",
		"lazy.pink.rabbit.x"}
	expected := map[string][]string{
		"*.orange.*": {"quick.orange.rabbit", "lazy.orange.fox"},
		"#.rabbit":   {"quick.orange.rabbit", "rabbit"},
		"lazy.#":     {"lazy", "lazy.orange.fox", "lazy.pink.rabbit.x"},
		"#":          keys,
	}
	queues := map[string]string{}
	for key := range expected {
		queues[key] = bound(channel, exchange, key, nil)
	}
	for _, key := range keys {
		send(channel, exchange, key, key)
	}
	for key, queue := range queues {
		equal(drained(channel, queue), expected[key])
	}
}

func exchangeBinding() {
	channel := channelOf(connect(0))
	source, destination := exchangeOf(channel, "topic"), exchangeOf(channel, "fanout")
	check(channel.ExchangeBind(destination, "log.*", source, false, nil))
	queue := bound(channel, destination, "", nil)
	send(channel, source, "log.a", "yes")
	send(channel, source, "metric.a", "no")
	equal(drained(channel, queue), []string{"yes"})
}

func serverNamed() {
	channel := channelOf(connect(0))
	queue := must(channel.QueueDeclare("", false, false, false, false, nil)).Name
	equal(queue[:8], "amq.gen-")
	send(channel, "", queue, "found")
	equal(drained(channel, queue), []string{"found"})
}

func exclusive() {
	here, there := connect(0), connect(1)
	queue := must(must(here.Channel()).QueueDeclare(
		fresh("exclusive"), false, false, true, false, nil)).Name
	_, err := passive(there, queue)
	refused(amqp.ResourceLocked, err)
	check(here.Close())
	waitUntil("the queue's end", func() bool { return isGone(there, queue) })
}

func autoDelete() {
	connection := connect(0)
	channel := channelOf(connection)
	queue := must(channel.QueueDeclare(fresh("auto-delete"), false, true, false, false, nil)).Name
	check(channel.Cancel(consume(channel, queue, false).tag, false))
	waitUntil("the queue's end", func() bool { return isGone(connection, queue) })
}

func redeclare() {
	connection := connect(0)
	queue := queueOf(channelOf(connection), "redeclare", nil)
	_, err := channelOf(connection).QueueDeclare(queue, false, false, false, false, nil)
	refused(amqp.PreconditionFailed, err)
	must(passive(connection, queue))
}

func missingQueue() {
	connection := connect(0)
	_, err := passive(connection, fresh("missing"))
	refused(amqp.NotFound, err)
	must(channelOf(connection).QueueDeclare("", false, false, true, false, nil))
}

func counts() {
	connection := connect(0)
	channel := channelOf(connection)
	queue := queueOf(channel, "counts", nil, "a", "b", "c")
	equal(must(passive(connection, queue)).Messages, 3)
	equal(must(channel.QueuePurge(queue, false)), 3)
	send(channel, "", queue, "d", "e")
	equal(must(channel.QueueDelete(queue, false, false, false)), 2)
}

func consumerCancelled() {
	channel := channelOf(connect(0))
	queue := queueOf(channel, "cancelled", nil)
	told := channel.NotifyCancel(make(chan string, 1))
	in := consume(channel, queue, false)
	must(channelOf(connect(1)).QueueDelete(queue, false, false, false))
	select {
	case tag := <-told:
		equal(tag, in.tag)
	case <-time.After(10 * time.Second):
		panic("nobody told")
	}
}

func channels() {
	connection := connect(0)
	done := make(chan any)
	for range numbers(20) {
		go func() {
			defer func() { done <- recover() }()
			channel := must(connection.Channel())
			queue := must(channel.QueueDeclare("", false, false, true, false, nil)).Name
			in := consume(channel, queue, true)
			for _, number := range numbers(10) {
				check(channel.Publish("", queue, false, false, amqp.Publishing{Body: []byte(number)}))
			}
			equal(bodies(in.take(10)), numbers(10))
		}()
	}
	for range numbers(20) {
		if failure := <-done; failure != nil {
			panic(failure)
		}
	}
}

func largeBody() {
	body := make([]byte, 5<<20)
	must(rand.Read(body))
	queue := queueOf(channelOf(connect(0)), "large", nil, string(body))
	equal(bytes.Equal(get(channelOf(connect(1)), queue).Body, body), true)
}

func heartbeat() {
	channel := channelOf(must(dial(0, "guest", time.Second)))
	time.Sleep(4 * time.Second)
	queue := queueOf(channel, "heartbeat", nil, "alive")
	equal(drained(channel, queue), []string{"alive"})
}

func closeConsuming() {
	here := connect(0)
	channel := channelOf(here)
	queue := queueOf(channel, "close", nil, numbers(10)...)
	check(channel.Qos(5, 0, false))
	consume(channel, queue, false).take(5)
	check(here.Close())
	came := consume(channelOf(connect(1)), queue, false).take(10)
	equal(bodies(came), numbers(10))
	equal(flags(came), []bool{true, true, true, true, true, false, false, false, false, false})
}

func fairDispatch() {
	connection := connect(0)
	busyChannel, idleChannel := channelOf(connection), channelOf(connection)
	queue := queueOf(busyChannel, "fair", nil)
	check(busyChannel.Qos(1, 0, false))
	check(idleChannel.Qos(1, 0, false))
	busy, idle := consume(busyChannel, queue, false), consume(idleChannel, queue, false)
	send(idleChannel, "", queue, numbers(10)...)
	for range numbers(9) {
		check(idle.take(1)[0].Ack(false))
	}
	busy.take(1)
	busy.staysEmpty()
}

func rpc() {
	server, client := channelOf(connect(0)), channelOf(connect(1))
	queue := queueOf(server, "rpc", nil)
	requests := consume(server, queue, false)
	replies := must(client.QueueDeclare("", false, false, true, false, nil)).Name
	answers := consume(client, replies, true)
	for _, number := range numbers(5) {
		check(client.Publish("", queue, false, false, amqp.Publishing{
			Body: []byte(number), ReplyTo: replies, CorrelationId: "request " + number}))
	}
	for _, request := range requests.take(5) {
		number := must(strconv.Atoi(string(request.Body)))
		check(server.Publish("", request.ReplyTo, false, false, amqp.Publishing{
			Body: []byte(strconv.Itoa(2 * number)), CorrelationId: request.CorrelationId}))
		check(request.Ack(false))
	}
	came := map[string]string{}
	for _, answer := range answers.take(5) {
		came[answer.CorrelationId] = string(answer.Body)
	}
	equal(came, map[string]string{
		"request 0": "0", "request 1": "2", "request 2": "4", "request 3": "6", "request 4": "8"})
}

func failover() {
	channel := channelOf(connect(0))
	var held []string
	for _, number := range numbers(10) {
		held = append(held, "held "+number)
	}
	queue := queueOf(channel, "failover", nil, held...)
	check(channel.Qos(len(held), 0, false))
	consume(channel, queue, false).take(len(held))
	fmt.Println("want kill")
	confirmed := append([]string{}, held...)
	for deadline := time.Now().Add(time.Minute); ; {
		body := fmt.Sprint("message ", len(confirmed))
		if trySend(channel, "", queue, body) != nil {
			break
		}
		confirmed = append(confirmed, body)
		if time.Now().After(deadline) {
			panic("the node was not killed")
		}
	}
	other := channelOf(connect(1))
	for _, number := range numbers(50) {
		send(other, "", queue, "later "+number)
		confirmed = append(confirmed, "later "+number)
	}
	came := map[string]bool{}
	for in := consume(other, queue, false); ; {
		message := in.take(1)[0]
		came[string(message.Body)] = message.Redelivered
		if string(message.Body) == "later 49" {
			break
		}
	}
	for _, body := range confirmed {
		if _, found := came[body]; !found {
			panic(body + " was confirmed and is lost")
		}
	}
	for _, body := range held {
		equal(came[body], true)
	}
}

func tx() {
	channel := must(connect(0).Channel())
	queue := must(channel.QueueDeclare(fresh("tx"), true, false, false, false, nil)).Name
	check(channel.Tx())
	check(channel.Publish("", queue, false, false, amqp.Publishing{Body: []byte("rolled back")}))
	check(channel.TxRollback())
	check(channel.Publish("", queue, false, false, amqp.Publishing{Body: []byte("committed")}))
	check(channel.TxCommit())
	equal(drained(channel, queue), []string{"committed"})
}

func directReplyTo() {
	const pseudoQueue = "amq.rabbitmq.reply-to"
	server, client := channelOf(connect(0)), channelOf(connect(1))
	queue := queueOf(server, "direct-reply", nil)
	answers := consume(client, pseudoQueue, true)
	check(client.Publish("", queue, false, false, amqp.Publishing{
		Body: []byte("ask"), ReplyTo: pseudoQueue}))
	check(server.Publish("", get(server, queue).ReplyTo, false, false, amqp.Publishing{
		Body: []byte("answer")}))
	equal(bodies(answers.take(1)), []string{"answer"})
}

func deadLetter() {
	channel := channelOf(connect(0))
	dead := queueOf(channel, "dead", nil)
	queue := queueOf(channel, "short-lived", amqp.Table{"x-message-ttl": 200,
		"x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead}, "late")
	message := get(channel, dead)
	death := message.Headers["x-death"].([]any)[0].(amqp.Table)
	equal([]any{string(message.Body), death["reason"], death["queue"], death["count"]},
		[]any{"late", "expired", queue, int64(1)})
}

func priority() {
	channel := channelOf(connect(0))
	queue := queueOf(channel, "priority", amqp.Table{"x-max-priority": 10})
	for _, level := range []uint8{1, 5, 9, 5} {
		must(channel.PublishWithDeferredConfirm("", queue, false, false, amqp.Publishing{
			DeliveryMode: amqp.Persistent, Priority: level, Body: []byte(fmt.Sprint(level))})).Wait()
	}
	equal(drained(channel, queue), []string{"9", "5", "5", "1"})
}

func maxLength() {
	channel := channelOf(connect(0))
	queue := queueOf(channel, "max-length", amqp.Table{"x-max-length": 3}, numbers(5)...)
	equal(drained(channel, queue), []string{"2", "3", "4"})
}

func singleActiveConsumer() {
	channel := channelOf(connect(0))
	queue := queueOf(channel, "single", amqp.Table{"x-single-active-consumer": true})
	first, second := consume(channel, queue, true), consume(channel, queue, true)
	send(channel, "", queue, numbers(5)...)
	first.take(5)
	second.staysEmpty()
	check(channel.Cancel(first.tag, false))
	send(channel, "", queue, "next")
	equal(bodies(second.take(1)), []string{"next"})
}
