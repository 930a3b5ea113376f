// Vercel's AI SDK: version 7 with its OpenTelemetry package, version 6 with what is built in.
import { createOpenAI } from '@ai-sdk/openai';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { NodeSDK } from '@opentelemetry/sdk-node';
import * as ai from 'ai';
import { z } from 'zod';

const sdk = new NodeSDK({ traceExporter: new OTLPTraceExporter() });
sdk.start();
const seven = process.env.AI_SDK === '7';
if (seven) {
  const { LegacyOpenTelemetry, OpenTelemetry } = await import('@ai-sdk/otel');
  ai.registerTelemetry(process.env.LEGACY ? new LegacyOpenTelemetry() : new OpenTelemetry({ runtimeContext: true }));
}
const metadata = { sessionId: 'sess-42', userId: 'user-7' };
const telemetry = { isEnabled: true, functionId: 'support-answer', metadata };
const context = seven
  ? { runtimeContext: metadata, telemetry: { ...telemetry, includeRuntimeContext: { sessionId: true, userId: true } } }
  : {};
const told = { telemetry, experimental_telemetry: telemetry, maxRetries: 0, ...context };
const system = 'You are a support agent for Acme.';
const rules = seven ? { instructions: system } : { system };
const openai = createOpenAI({ apiKey: 'fake', baseURL: process.env.OPENAI_BASE_URL });
const model = openai.chat('gpt-5-mini');
const prompt = 'How long do I have to return an item?';
const get_order = ai.tool({
  description: 'Look up',
  inputSchema: z.object({ order_id: z.string() }),
  execute: async () => ({ status: 'shipped' }),
});

await ai.generateText({ model, ...rules, prompt, ...told });
await ai.generateText({
  model, ...rules, prompt: 'Where is order A-1001?', tools: { get_order }, ...told,
  stopWhen: (ai.stepCountIs ?? ai.isStepCount)(3),
});
for await (const _ of ai.streamText({ model, ...rules, prompt, ...told }).textStream);
await ai.generateText({ model: openai.chat('bad-model'), prompt: 'hi', ...told }).catch(() => {});
await sdk.shutdown();
