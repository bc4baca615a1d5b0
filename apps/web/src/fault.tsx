import { Component, type ReactNode } from 'react';
import { useSpeech } from './language.js';

interface Props {
  /** Another page is another try. */
  page: string;
  children: ReactNode;
}

/** A page that breaks takes only itself down, and says what helps. */
export class Guard extends Component<Props, { broken?: string }> {
  override state: { broken?: string } = {};

  override componentDidCatch(): void {
    this.setState({ broken: this.props.page });
  }

  static getDerivedStateFromError(): { broken: string } {
    return { broken: '' };
  }

  override render(): ReactNode {
    const { broken } = this.state;
    return broken === '' || broken === this.props.page ? <Broken /> : this.props.children;
  }
}

function Broken() {
  const { t } = useSpeech();
  return (
    <div className="notice is-bad" role="alert">
      <p>
        {t(
          'این صفحه باز نشد؛ چیزی ثبت یا گم نشده است. شاید سامانه تازه به‌روز شده باشد: صفحه را از نو باز کنید.',
          'This page did not open; nothing was recorded or lost. Perhaps the server was just updated: load it anew.',
        )}
      </p>
      <button type="button" onClick={() => location.reload()}>
        {t('از نو', 'Load anew')}
      </button>
    </div>
  );
}
