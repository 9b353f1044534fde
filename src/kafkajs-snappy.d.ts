declare module 'kafkajs-snappy' {
  const codec: () => {
    compress(encoder: unknown): Promise<unknown>;
    decompress(buffer: unknown): Promise<unknown>;
  };
  export default codec;
}
