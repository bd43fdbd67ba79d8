// A purchase as a guest through the generated TypeScript client, the folder `client`.
// Usage: node buyer.js <API base URL> <Stripe URL> <publishable key> <email>; prints the paid order's id.

import { createClient, createConfig } from "./client/client/index.js";
import * as api from "./client/index.js";

declare const process: { argv: string[] };

const address = { name: "Ada Lovelace", line1: "2 Harbour Street", city: "Bristol", postal_code: "BS1 4RN", country: "GB" };

/** Confirm a payment as Stripe.js does in a browser. */
async function confirm(stripe: string, key: string, payment: api.OpenedPayment): Promise<void> {
  const response = await fetch(`${stripe}/v1/payment_intents/${payment.provider_id}/confirm`, {
    method: "POST",
    headers: { Authorization: `Bearer ${key}` },
    body: new URLSearchParams({
      client_secret: payment.client_secret ?? "",
      payment_method: "pm_card_visa",
      return_url: "http://127.0.0.1/",
    }),
  });
  if (!response.ok) throw new Error(await response.text());
}

/** Buy one piece of a product that is in stock, and return the order once it is paid. */
async function buy(baseUrl: string, pay: (payment: api.OpenedPayment) => Promise<void>, email: string): Promise<api.Order> {
  const anyone = createClient(createConfig({ baseUrl, throwOnError: true }));
  const { data: page } = await api.listProducts({ client: anyone, query: { in_stock: true, limit: 100 }, throwOnError: true });
  const variants = page.items.flatMap((product) => product.variants);
  const variant = variants.find((each) => each.available > 0 && each.price.amount >= 100);
  if (!variant) throw new Error("no product is in stock");

  const { data: tokens } = await api.startAsGuest({ client: anyone, throwOnError: true });
  const client = createClient(createConfig({ baseUrl, auth: tokens.access_token }));
  await api.addItem({ client, body: { sku: variant.sku, quantity: 1 }, throwOnError: true });
  const { data: quote } = await api.quoteCart({ client, body: { shipping_address: address }, throwOnError: true });

  const key = () => ({ "Idempotency-Key": crypto.randomUUID() });
  const body = { quote_token: quote.quote_token, email };
  const { data: placed } = await api.placeOrder({ client, body, headers: key(), throwOnError: true });
  const { order_id } = placed;
  const { data: payment } = await api.openPayment({ client, body: { order_id }, headers: key(), throwOnError: true });
  await pay(payment);

  for (let tries = 0; tries < 200; tries++) {
    const { data: order } = await api.getOrder({ client, path: { order_id }, throwOnError: true });
    if (order.status === "paid") return order;
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  throw new Error(`order ${order_id} is not paid`);
}

const [baseUrl = "", stripe = "", key = "", email = ""] = process.argv.slice(2);
void buy(baseUrl, (payment) => confirm(stripe, key, payment), email).then((order) => console.log(order.order_id));
