"""The table, looked into and changed by boto3 from beside, as another program would; the functions of harness.database."""
import boto3
import botocore.config
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

from .servers import ENVIRONMENT

COLUMNS = ("customer_id", "email", "password", "authorization_code", "authorization_code_expires_at",
           "authorization_code_psid", "authorization_code_replaces", "fb_psid", "fb_page_id", "fb_linked_at", "fb_link_code",
           "login_failures", "login_window_ends")


def client(url):
    return boto3.client("dynamodb", endpoint_url=url, region_name=ENVIRONMENT["AWS_REGION"],
                        aws_access_key_id=ENVIRONMENT["AWS_ACCESS_KEY_ID"],
                        aws_secret_access_key=ENVIRONMENT["AWS_SECRET_ACCESS_KEY"],
                        config=botocore.config.Config(retries={"max_attempts": 1}))


def plain(item):
    values = {name: TypeDeserializer().deserialize(value) for name, value in item.items()}
    return {**dict.fromkeys(COLUMNS), **{name: int(value) if not isinstance(value, (str, bool, type(None), bytes)) else value
                                         for name, value in values.items()}}


class Table:
    def __init__(self, url, name):
        self.url, self.name, self.client = url, name, client(url)

    def key(self, row):
        """Of the item, as the table wants it."""
        schema = self.client.describe_table(TableName=self.name)["Table"]["KeySchema"]
        return {one["AttributeName"]: {"S": row[one["AttributeName"]]} for one in schema}

    def delete(self, row):
        self.client.delete_item(TableName=self.name, Key=self.key(row))

    def __str__(self):
        return self.name

    def rows(self):
        pages = self.client.get_paginator("scan").paginate(TableName=self.name, ConsistentRead=True)
        return sorted((plain(item) for page in pages for item in page["Items"]), key=lambda r: (r["customer_id"], r["email"]))

    def found(self, customer_id):
        got = self.client.query(TableName=self.name, ConsistentRead=True, KeyConditionExpression="customer_id = :k",
                                ExpressionAttributeValues={":k": {"S": customer_id}})
        return [plain(item) for item in got["Items"]]

    def customer(self, customer_id):
        found = self.found(customer_id)
        assert len(found) == 1, f"{len(found)} customers of that id"
        return found[0]

    def holders(self, psid):
        return [row["customer_id"] for row in self.rows() if row["fb_psid"] == psid]

    def put(self, **values):
        kept = {name: TypeSerializer().serialize(value) for name, value in values.items() if value is not None}
        self.client.put_item(TableName=self.name, Item=kept)

    def change(self, customer_id, **values):
        before = self.customer(customer_id)
        if values.get("email", before["email"]) != before["email"]:  # a part of the key
            self.delete(before)
        self.put(**{**before, **values})

    def copy_customers(self, model, ids):
        hashed = self.customer(model)["password"]
        for at in range(0, len(ids), 25):
            self.client.batch_write_item(RequestItems={self.name: [
                {"PutRequest": {"Item": {"customer_id": {"S": one}, "email": {"S": f"{one}@example.com"},
                                         "password": {"S": hashed}}}} for one in ids[at:at + 25]]})
