// The linked webhook on net/http and aws-sdk-go-v2, as it is usually written: what account-linkd is measured beside.
package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

const bodyMax = 4 << 20

type delivery struct {
	Entry []struct {
		Messaging []event `json:"messaging"`
	} `json:"entry"`
}

type event struct {
	Sender    struct{ ID string } `json:"sender"`
	Recipient struct{ ID string } `json:"recipient"`
	Timestamp int64               `json:"timestamp"`
	Linking   *struct {
		Status string `json:"status"`
		Code   string `json:"authorization_code"`
	} `json:"account_linking"`
}

type server struct {
	secret []byte
	table  *string
	db     *dynamodb.Client
}

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func number(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}

func (s *server) signed(header string, body []byte) bool {
	mac := hmac.New(sha256.New, s.secret)
	mac.Write(body)
	return hmac.Equal([]byte(header), []byte("sha256="+hex.EncodeToString(mac.Sum(nil))))
}

// find returns the customer that has the live code, nil when none has.
func (s *server) find(ctx context.Context, digest string) (map[string]types.AttributeValue, error) {
	out, err := s.db.Query(ctx, &dynamodb.QueryInput{
		TableName:                 s.table,
		IndexName:                 aws.String("authorization_code-index"),
		KeyConditionExpression:    aws.String("authorization_code = :d"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":d": text(digest)},
		ProjectionExpression:      aws.String("customer_id, email"),
	})
	if err != nil || len(out.Items) == 0 {
		return nil, err
	}
	return out.Items[0], nil
}

func (s *server) link(ctx context.Context, e event) error {
	sum := sha256.Sum256([]byte(e.Linking.Code))
	digest := base64.RawURLEncoding.EncodeToString(sum[:])
	customer, err := s.find(ctx, digest)
	if err != nil || customer == nil {
		return err
	}
	_, err = s.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: s.table,
		Key: map[string]types.AttributeValue{
			"customer_id": customer["customer_id"], "email": customer["email"]},
		UpdateExpression: aws.String("SET fb_psid = :p, fb_page_id = :g, fb_linked_at = :t" +
			" REMOVE authorization_code, authorization_code_expires_at"),
		ConditionExpression: aws.String("authorization_code = :d AND authorization_code_expires_at >= :now"),
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":p": text(e.Sender.ID), ":g": text(e.Recipient.ID), ":t": number(e.Timestamp), ":d": text(digest),
			":now": number(time.Now().Unix())},
	})
	var failed *types.ConditionalCheckFailedException
	if errors.As(err, &failed) {
		return nil // used meanwhile, or expired
	}
	return err
}

func (s *server) webhook(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, bodyMax))
	if err != nil {
		http.Error(w, "bad body", http.StatusBadRequest)
		return
	}
	if !s.signed(r.Header.Get("X-Hub-Signature-256"), body) {
		http.Error(w, "forbidden", http.StatusForbidden)
		return
	}
	var d delivery
	if err := json.Unmarshal(body, &d); err != nil {
		http.Error(w, "bad JSON", http.StatusBadRequest)
		return
	}
	for _, entry := range d.Entry {
		for _, e := range entry.Messaging {
			if e.Linking == nil || e.Linking.Status != "linked" {
				continue
			}
			if err := s.link(r.Context(), e); err != nil {
				http.Error(w, "not now", http.StatusServiceUnavailable)
				return
			}
		}
	}
	io.WriteString(w, "EVENT_RECEIVED")
}

// client keeps its connections: the SDK's own transport would keep only 10 of them.
func client() *dynamodb.Client {
	kept := awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
		t.MaxIdleConns, t.MaxIdleConnsPerHost = 256, 256
	})
	cfg, err := config.LoadDefaultConfig(context.Background(), config.WithHTTPClient(kept))
	if err != nil {
		log.Fatal(err)
	}
	return dynamodb.NewFromConfig(cfg, func(o *dynamodb.Options) {
		if url := os.Getenv("AWS_ENDPOINT_URL_DYNAMODB"); url != "" {
			o.EndpointResolver = dynamodb.EndpointResolverFromURL(url)
		}
	})
}

func main() {
	s := &server{secret: []byte(os.Getenv("APP_SECRET")), table: aws.String(os.Getenv("TABLE")), db: client()}
	mux := http.NewServeMux()
	mux.HandleFunc("/webhook", s.webhook)
	mux.HandleFunc("/healthz", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "ok") })
	listener, err := net.Listen("tcp", "127.0.0.1:"+os.Getenv("PORT"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("listening", listener.Addr())
	log.Fatal(http.Serve(listener, mux))
}
