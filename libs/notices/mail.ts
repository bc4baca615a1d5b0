import nodemailer from 'nodemailer';
import { NotDelivered } from './channel.js';

export interface Letter {
  messageId: string;
  to: readonly string[];
  subject: string;
  text: string;
}

/** The channel by which letters leave the house. */
export interface Post {
  /** @throws NotDelivered */
  send(letter: Letter): Promise<void>;
  close(): void;
}

/** @param url `smtp://[user:password@]host:port` or `smtps://…` */
export function smtpPost(url: string, from: string): Post {
  const transport = nodemailer.createTransport({
    url,
    connectionTimeout: 10_000,
    greetingTimeout: 10_000,
    socketTimeout: 30_000,
    // Letters are made of what people typed: no part of one may read a file or fetch an address.
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  return {
    async send({ messageId, to, subject, text }) {
      try {
        await transport.sendMail({ from, to: [...to], subject, text, messageId });
      } catch (error) {
        const { responseCode = 0 } = error as { responseCode?: number };
        throw new NotDelivered(responseCode >= 500 ? 'rejected' : 'unreachable', error as Error);
      }
    },
    close: () => transport.close(),
  };
}
