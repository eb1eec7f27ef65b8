// The linked webhook on Express and the AWS SDK, as it is usually written: what account-linkd is measured beside.
'use strict';
const { createHash, createHmac, timingSafeEqual } = require('node:crypto');
const express = require('express');
const { ConditionalCheckFailedException, DynamoDBClient, QueryCommand, UpdateItemCommand } = require('@aws-sdk/client-dynamodb');

const { APP_SECRET, TABLE, PORT = '8080' } = process.env;
const agent = { keepAlive: true, maxSockets: 256 };
const dynamodb = new DynamoDBClient({ requestHandler: { httpAgent: agent, httpsAgent: agent } });

function signed(req) {
  const wanted = Buffer.from('sha256=' + createHmac('sha256', APP_SECRET).update(req.body).digest('hex'));
  const given = Buffer.from(req.get('X-Hub-Signature-256') ?? '');
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

async function find(digest) {
  const { Items } = await dynamodb.send(new QueryCommand({
    TableName: TABLE,
    IndexName: 'authorization_code-index',
    KeyConditionExpression: 'authorization_code = :d',
    ExpressionAttributeValues: { ':d': { S: digest } },
    ProjectionExpression: 'customer_id, email',
  }));
  return Items[0];
}

async function link(psid, pageId, timestamp, code) {
  const digest = createHash('sha256').update(code).digest('base64url');
  const customer = await find(digest);
  if (!customer) return;
  try {
    await dynamodb.send(new UpdateItemCommand({
      TableName: TABLE,
      Key: { customer_id: customer.customer_id, email: customer.email },
      UpdateExpression: 'SET fb_psid = :p, fb_page_id = :g, fb_linked_at = :t REMOVE authorization_code, authorization_code_expires_at',
      ConditionExpression: 'authorization_code = :d AND authorization_code_expires_at >= :now',
      ExpressionAttributeValues: {
        ':p': { S: psid }, ':g': { S: pageId }, ':t': { N: String(timestamp) }, ':d': { S: digest },
        ':now': { N: String(Math.floor(Date.now() / 1000)) },
      },
    }));
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) throw error; // used meanwhile, or expired: nothing to do
  }
}

const app = express();
app.disable('x-powered-by');
app.get('/healthz', (req, res) => res.type('text').send('ok'));
app.post('/webhook', express.raw({ type: () => true, limit: '4mb' }), async (req, res) => {
  if (!Buffer.isBuffer(req.body) || !signed(req)) return res.sendStatus(403);
  const { entry = [] } = JSON.parse(req.body);
  for (const { messaging = [] } of entry) {
    for (const { sender, recipient, timestamp, account_linking: linking } of messaging) {
      if (linking?.status === 'linked') await link(sender.id, recipient.id, timestamp, linking.authorization_code);
    }
  }
  res.type('text').send('EVENT_RECEIVED');
});

const server = app.listen(Number(PORT), '127.0.0.1', () => console.log(`listening 127.0.0.1:${server.address().port}`));
